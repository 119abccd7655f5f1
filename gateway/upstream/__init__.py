"""From a call to a reply: which deployment is asked, when another is, and what the caller gets."""

from gateway.upstream.upstream import Reply, Upstream

__all__ = ["Reply", "Upstream"]
