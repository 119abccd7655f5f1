"""Which provider and operation a request line means."""

import re
from typing import NamedTuple

GEMINI = re.compile(r"^(?:/gemini)?(?:/v1(?:beta|alpha)?)?(?:/models/(?P<model>[^:]+))?:(?P<operation>\w+)$")
OPENAI = re.compile(r"^(?:/openai)?/v1/(?P<operation>chat/completions|embeddings|models)$")
LISTS = ("/gemini/models", "/gemini/v1beta/models", "/v1beta/models")
NAMED_NOWHERE = "gemini"  # the model of `{api_base}:generateContent`, whose URL names none


class Route(NamedTuple):
    """`provider` is openai, gemini or none; `operation` is empty where nothing is at that path."""

    provider: str
    operation: str
    model: str = ""


def resolve(method: str, path: str) -> Route:
    """The route of `path`. With or without the prefixes /openai and /gemini, and Gemini's version."""
    if found := OPENAI.match(path):
        operation = found["operation"]
        return Route("openai", operation if (method == "GET") == (operation == "models") else "")
    if (found := GEMINI.match(path)) and method == "POST":
        return Route("gemini", found["operation"], found["model"] or NAMED_NOWHERE)
    if path in LISTS and method == "GET":
        return Route("gemini", "models")
    if path.startswith(("/gemini", "/v1beta")):
        return Route("gemini", "")
    return Route("openai" if path.startswith(("/openai", "/v1/")) else "none", "")
