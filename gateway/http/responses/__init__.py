"""``POST /v1/responses``: as chat in other words where a chat has words for it, else as OpenAI carries it.

A response that is made of a chat is not kept anywhere, so that its ``store`` is false and no later request can name
it; ``store: true`` and whatever else only OpenAI can keep or run (``native``) goes to deployments of OpenAI's own.
"""

from gateway.http.responses.route import parse, render

__all__ = ["parse", "render"]
