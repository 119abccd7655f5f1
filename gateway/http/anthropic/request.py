"""``POST /v1/messages`` and ``/v1/messages/count_tokens``: Anthropic's bodies in a chat's terms.

``top_k`` goes to the models that know it. ``thinking`` becomes a reasoning effort; where it is disabled the model is
left to its own ways, and what it thinks is not shown. ``anthropic-version`` and ``anthropic-beta`` mean nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import Scope

from gateway.contract import Call, Identity, InvalidRequest, Operation
from gateway.engine import Engine
from gateway.http import foreign
from gateway.http.anthropic.messages import chat_messages
from gateway.http.schema.anthropic import COUNT, MESSAGES
from gateway.http.schema.check import check

Json = dict[str, Any]
CHOICES = {"auto": "auto", "any": "required", "none": "none"}
#: "auto" is what any model does unasked.
TIERS = {"standard_only": "default"}
#: The highest are one here: few models know more than "high".
EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}


def parse(engine: Engine, scope: Scope, body: Json, identity: Identity) -> Call:
    """``POST /v1/messages`` as a chat."""
    check(MESSAGES, body)
    thinking = body.get("thinking") or {"type": "disabled"}
    return foreign.chat_call(
        engine,
        scope,
        identity,
        model=body["model"],
        params=_params(body),
        stream=bool(body.get("stream")),
        thoughts=thinking["type"] != "disabled" and thinking.get("display") != "omitted",
    )


def parse_count(engine: Engine, scope: Scope, body: Json) -> Json:
    """``POST /v1/messages/count_tokens`` as a chat's parameters."""
    del scope
    check(COUNT, body)
    engine.plan.chain(body["model"], Operation.CHAT)
    return {"messages": chat_messages(body), **_tools(body)}


def _params(body: Mapping[str, Any]) -> Json:
    return {
        "messages": chat_messages(body),
        "max_tokens": body["max_tokens"],
        "temperature": body.get("temperature"),
        "top_p": body.get("top_p"),
        "top_k": body.get("top_k"),
        "stop": body.get("stop_sequences") or None,
        "user": foreign.user((body.get("metadata") or {}).get("user_id")),
        "service_tier": TIERS.get(body.get("service_tier") or ""),
        "reasoning_effort": _effort(body),
        "response_format": _format(body),
        **_tools(body),
    }


def _effort(body: Mapping[str, Any]) -> str | None:
    asked, thinking = (body.get("output_config") or {}).get("effort"), body.get("thinking") or {}
    if asked:
        return EFFORTS[asked]
    return foreign.effort(thinking["budget_tokens"]) if thinking.get("type") == "enabled" else None


def _format(body: Mapping[str, Any]) -> Json | None:
    asked = (body.get("output_config") or {}).get("format") or body.get("output_format")
    return foreign.schema_format(asked["schema"]) if asked else None


def _tools(body: Mapping[str, Any]) -> Json:
    """``tools``, ``tool_choice`` and ``parallel_tool_calls``, where there are tools."""
    tools, choice = body.get("tools"), body.get("tool_choice")
    if not tools:
        return {}
    params: Json = {"tools": [_tool(tool) for tool in tools]}
    if not choice:
        return params
    params["tool_choice"] = CHOICES.get(choice["type"]) or _named(choice["name"], tools)
    if choice.get("disable_parallel_tool_use"):
        params["parallel_tool_calls"] = False
    return params


def _tool(tool: Json) -> Json:
    function = {"name": tool["name"], "description": tool.get("description"), "parameters": tool["input_schema"]}
    function["strict"] = tool.get("strict")
    return {"type": "function", "function": {key: value for key, value in function.items() if value is not None}}


def _named(name: str, tools: list[Json]) -> Json:
    if all(tool["name"] != name for tool in tools):
        names = ", ".join(tool["name"] for tool in tools)
        raise InvalidRequest(f"There is no such tool in 'tools'; there are: {names}.", param="tool_choice.name")
    return {"type": "function", "function": {"name": name}}
