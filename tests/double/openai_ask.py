"""Reads OpenAI's chat requests."""

from typing import Any

from .ask import Ask, Tool
from .wire import flat_text


def read(body: dict[str, Any], call_id: int) -> Ask:
    """The request as an Ask. Raises ValueError, with OpenAI's kind of sentence, for a body it cannot be."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
        raise ValueError("Missing required parameter: 'messages'.")
    model = body.get("model")
    if not isinstance(model, str):
        raise ValueError("you must provide a model parameter")
    last = messages[-1]
    return Ask(
        id=call_id,
        provider="openai",
        model=model,
        shown=model,
        texts=_texts(messages),
        last_user=next((flat_text(one.get("content")) for one in reversed(messages) if one.get("role") == "user"), ""),
        tool_result=flat_text(last.get("content")) if last.get("role") == "tool" else None,
        begun=_begun(messages),
        prefilled=last.get("role") == "assistant",
        tools=_tools(body),
        forced=_forced(body.get("tool_choice")),
        parallel=body.get("parallel_tool_calls") is not False,
        json=_json(body.get("response_format")),
        n=body.get("n") or 1,
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        stop=_stop(body.get("stop")),
        stream=body.get("stream") is True,
        usage=(body.get("stream_options") or {}).get("include_usage") is True,
        logprobs=body.get("logprobs") is True,
    )


def _texts(messages: list[dict[str, Any]]) -> list[str]:
    texts = []
    for message in messages:
        texts.append(flat_text(message.get("content")))
        texts += [str(call["function"].get("arguments", "")) for call in message.get("tool_calls") or []]
    return [text for text in texts if text]


def _begun(messages: list[dict[str, Any]]) -> tuple[str, str] | None:
    roles = [one.get("role") for one in messages]
    place = next((at for at in reversed(range(len(roles))) if roles[at] != "user"), -1)
    if place < 1 or roles[place] != "assistant" or messages[place].get("tool_calls"):
        return None
    asked = [one.get("content") for one in messages[:place] if one.get("role") == "user"]
    return flat_text(asked[-1] if asked else ""), flat_text(messages[place].get("content"))


def _tools(body: dict[str, Any]) -> list[Tool]:
    if body.get("tool_choice") == "none":
        return []
    functions = [tool.get("function") or {} for tool in body.get("tools") or []]
    return [Tool(str(one.get("name")), one.get("parameters") or {}) for one in functions]


def _forced(choice: Any) -> tuple[str, ...] | None:
    if choice == "required":
        return ()
    named = choice.get("function") if isinstance(choice, dict) else None
    return (str(named.get("name")),) if isinstance(named, dict) else None


def _json(wanted: Any) -> Any:
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "json_object":
        return True
    return (wanted.get("json_schema") or {}).get("schema") or {} if kind == "json_schema" else None


def _stop(stop: Any) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())
