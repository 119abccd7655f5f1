"""Which provider and operation a request line means."""

import re
from typing import NamedTuple

GEMINI = re.compile(r"^(?:/gemini)?(?:/v1(?:beta|alpha)?)?(?:/models/(?P<model>[^:]+))?:(?P<operation>\w+)$")
OPENAI = re.compile(r"^(?:/openai)?/v1/(?P<operation>[a-z_]+(?:/[a-z]+)?)$")
STORED = re.compile(r"^(?:/openai)?/v1/(?P<kind>files|batches|responses)/(?P<thing>[^/]+)(?P<part>/[a-z_]+)?$")
POSTS = (
    "chat/completions", "responses", "embeddings", "moderations", "images/generations", "images/edits", "audio/speech",
    "audio/transcriptions", "audio/translations", "files", "batches",
)  # fmt: skip
OTHERS = (
    "GET models", "GET files", "GET files/id", "GET files/id/content", "DELETE files/id", "GET batches",
    "GET batches/id", "POST batches/id/cancel", "GET responses/id", "DELETE responses/id", "POST responses/id/cancel",
    "GET responses/id/input_items",
)  # fmt: skip
LISTS = ("/gemini/models", "/gemini/v1beta/models", "/v1beta/models")
NAMED_NOWHERE = "gemini"  # the model of `{api_base}:generateContent`, whose URL names none


class Route(NamedTuple):
    """`provider` is openai, gemini or none; `operation` is empty where nothing is at that path; `thing` is the id of
    what the path names."""

    provider: str
    operation: str
    model: str = ""
    thing: str = ""

    @property
    def posts(self) -> bool:
        """Whether a body is needed."""
        return self.operation not in OTHERS and self.operation != "models"


def resolve(method: str, path: str) -> Route:
    """The route of `path`. With or without the prefixes /openai and /gemini, and Gemini's version."""
    if route := _openai(method, path):
        return route
    if (found := GEMINI.match(path)) and method == "POST":
        return Route("gemini", found["operation"], found["model"] or NAMED_NOWHERE)
    if path in LISTS and method == "GET":
        return Route("gemini", "models")
    if path.startswith(("/gemini", "/v1beta")):
        return Route("gemini", "")
    return Route("openai" if path.startswith(("/openai", "/v1/")) else "none", "")


def _openai(method: str, path: str) -> Route | None:
    """OpenAI's: the bare path of what is posted, else the method and the path with `id` for the id."""
    bare = OPENAI.match(path)
    if bare and method == "POST" and bare["operation"] in POSTS:
        return Route("openai", bare["operation"])
    if bare and (operation := f"{method} {bare['operation']}") in OTHERS:
        return Route("openai", operation)
    if (found := STORED.match(path)) and (operation := f"{method} {found['kind']}/id{found['part'] or ''}") in OTHERS:
        return Route("openai", operation, thing=found["thing"])
    return None
