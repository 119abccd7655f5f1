"""Reads Gemini's generateContent requests, in camelCase or snake_case."""

import json
from typing import Any

from .ask import Ask, Tool
from .wire import flat_text


def camel(given: Any) -> dict[str, Any]:
    """The object with the names of its own keys in camelCase; not an object: empty."""
    if not isinstance(given, dict):
        return {}
    return {key if "_" not in key else _camel(key): value for key, value in given.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def read(body: dict[str, Any], call_id: int, model: str, *, stream: bool = False, array: bool = False) -> Ask:
    """The request as an Ask. Raises ValueError for a body without contents."""
    body = camel(body)
    contents = body.get("contents")
    contents = [contents] if isinstance(contents, dict) else contents
    if not isinstance(contents, list) or not contents:
        raise ValueError("* GenerateContentRequest.contents: contents is not specified\n")
    system = [body["systemInstruction"]] if "systemInstruction" in body else []
    config = camel(body.get("generationConfig"))
    choice = camel(camel(body.get("toolConfig")).get("functionCallingConfig"))
    return Ask(
        id=call_id,
        provider="gemini",
        model=model,
        shown=model,
        texts=[text for content in system + contents if (text := _text(content, everything=True))],
        last_user=_last_user(contents),
        tool_result=_result(contents[-1]),
        begun=_begun(contents),
        prefilled=_role(contents[-1]) == "model",
        tools=[] if choice.get("mode") == "NONE" else _tools(body.get("tools")),
        forced=tuple(choice.get("allowedFunctionNames") or ()) if choice.get("mode") == "ANY" else None,
        json=_json(config),
        n=config.get("candidateCount") or 1,
        max_tokens=config.get("maxOutputTokens"),
        stop=tuple(config.get("stopSequences") or ()),
        stream=stream,
        array=array and not stream,
    )


def _parts(content: Any) -> list[dict[str, Any]]:
    parts = content.get("parts") if isinstance(content, dict) else None
    parts = parts if isinstance(parts, list) else [parts]
    return [camel(part) for part in parts]


def _text(content: Any, *, everything: bool = False) -> str:
    """The texts of the content's parts; with `everything` also calls' arguments and functions' results."""
    texts = [flat_text(content.get("parts") if isinstance(content, dict) else None)]
    if everything:
        for part in _parts(content):
            texts += [json.dumps(part["functionCall"].get("args"))] if "functionCall" in part else []
            texts += [_shown(part["functionResponse"].get("response"))] if "functionResponse" in part else []
    return "\n".join(text for text in texts if text)


def _last_user(contents: list[Any]) -> str:
    """The last user text; a content with function results only is not one."""
    said = (_text(one) for one in reversed(contents) if isinstance(one, dict) and one.get("role", "user") == "user")
    return next((text for text in said if text), "")


def _role(content: Any) -> Any:
    return content.get("role", "user") if isinstance(content, dict) else "user"


def _begun(contents: list[Any]) -> tuple[str, str] | None:
    place = next((at for at in reversed(range(len(contents))) if _role(contents[at]) != "user"), -1)
    if place < 1 or any("functionResponse" in part for content in contents[place:] for part in _parts(content)):
        return None
    return _last_user(contents[:place]), _text(contents[place])


def _result(content: Any) -> str | None:
    results = [part["functionResponse"] for part in _parts(content) if "functionResponse" in part]
    return _shown(results[-1].get("response")) if results else None


def _shown(response: Any) -> str:
    """A function's response as text: its only value if that is a string, else its JSON."""
    if isinstance(response, dict) and len(response) == 1 and isinstance(only := next(iter(response.values())), str):
        return only
    return json.dumps(response, ensure_ascii=False)


def _tools(given: Any) -> list[Tool]:
    declared = [one for tool in given or [] for one in camel(tool).get("functionDeclarations") or []]
    return [Tool(one["name"], one.get("parameters") or one.get("parametersJsonSchema") or {}) for one in declared]


def _json(config: dict[str, Any]) -> Any:
    if config.get("responseMimeType") != "application/json":
        return None
    return config.get("responseJsonSchema") or config.get("responseSchema") or True
