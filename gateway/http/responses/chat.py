"""A request's parameters as a chat's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.contract import InvalidRequest
from gateway.http.responses.turns import messages

Json = dict[str, Any]
#: A chat's names for them. Hints to OpenAI's cache of prompts and what is of no meaning to a model go no further.
CARRIED = {
    "max_output_tokens": "max_completion_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "user": "user",
    "safety_identifier": "safety_identifier",
    "prompt_cache_key": "prompt_cache_key",
    "service_tier": "service_tier",
}
#: The caller's fields, by the chat's.
NAMES = {ours: name for name, ours in CARRIED.items()} | {
    "messages": "input",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "verbosity": "text.verbosity",
}
LOGPROBS = "message.output_text.logprobs"


def params(body: Mapping[str, Any]) -> Json:
    """The parameters of a chat that asks what ``body`` does; raises InvalidRequest."""
    made: Json = {"messages": messages(body)}
    made |= {ours: body[name] for name, ours in CARRIED.items() if body.get(name) is not None}
    text = body.get("text") or {}
    if (text.get("format") or {}).get("type", "text") != "text":
        made["response_format"] = _format(text["format"])
    if text.get("verbosity"):
        made["verbosity"] = text["verbosity"]
    effort = (body.get("reasoning") or {}).get("effort")
    if effort:
        made["reasoning_effort"] = effort
    if wants_logprobs(body):
        made["logprobs"] = True
        if body.get("top_logprobs"):
            made["top_logprobs"] = body["top_logprobs"]
    return made | _tools(body)


def wants_logprobs(body: Mapping[str, Any]) -> bool:
    """Whether the answer's tokens are to come with their log probabilities."""
    return LOGPROBS in (body.get("include") or ()) or bool(body.get("top_logprobs"))


def _format(wanted: Mapping[str, Any]) -> Json:
    if wanted["type"] == "json_object":
        return {"type": "json_object"}
    named = {key: wanted[key] for key in ("name", "description", "schema", "strict") if wanted.get(key) is not None}
    return {"type": "json_schema", "json_schema": named}


def _tools(body: Mapping[str, Any]) -> Json:
    """The tools that may be called, and which must be. A chat refuses both of the latter without the former."""
    tools = list(body.get("tools") or ())
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice["type"] == "allowed_tools":
        tools, choice = _allowed(tools, choice), choice["mode"]
    elif isinstance(choice, dict):
        _named(tools, choice.get("name"), "tool_choice.name")
        choice = {"type": "function", "function": {"name": choice["name"]}}
    if not tools:
        if choice == "required":
            raise InvalidRequest("'tool_choice' is 'required', and 'tools' has none.", param="tool_choice")
        return {}
    made: Json = {"tools": [_function(tool) for tool in tools]}
    if choice is not None:
        made["tool_choice"] = choice
    if body.get("parallel_tool_calls") is not None:
        made["parallel_tool_calls"] = body["parallel_tool_calls"]
    return made


def _allowed(tools: list[Json], choice: Mapping[str, Any]) -> list[Json]:
    """A chat of these tools only."""
    wanted = enumerate(choice["tools"])
    return [_named(tools, tool.get("name"), f"tool_choice.tools[{place}].name") for place, tool in wanted]


def _named(tools: list[Json], name: Any, path: str) -> Json:
    found = next((tool for tool in tools if tool["name"] == name), None)
    if found is None:
        raise InvalidRequest("'tool_choice' names a tool that 'tools' does not have.", param=path)
    return found


def _function(tool: Mapping[str, Any]) -> Json:
    named = {key: tool[key] for key in ("name", "description", "parameters", "strict") if tool.get(key) is not None}
    return {"type": "function", "function": named}
