"""``:generateContent``, ``:streamGenerateContent`` and ``:countTokens``: Gemini's bodies in a chat's terms.

``topK`` and ``safetySettings`` go to the models that know them. A thinking budget becomes a reasoning effort.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qs

import orjson
from starlette.types import Scope

from gateway.contract import Call, Identity, InvalidRequest, NotFound, Operation
from gateway.engine import Engine
from gateway.http import foreign
from gateway.http.gemini.contents import chat_messages
from gateway.http.gemini.dialect import json_schema
from gateway.http.schema.check import check
from gateway.http.schema.gemini import COUNT, GENERATE

Json = dict[str, Any]
#: In ``Call.learnt``: that a stream is asked for as server-sent events, not as one JSON array.
EVENTS = "gemini_events"
LONGEST_NAME = 256
MODES = {"ANY": "required", "NONE": "none"}
#: Few models know more than "high".
LEVELS = {"XHIGH": "high"}
TIERS = {"standard": "default", "flex": "flex", "priority": "priority"}
SAME_NAMES = ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty")
#: OpenAI gives JSON only where the word stands in the conversation.
JSON_ASKED = {"role": "system", "content": "Answer in JSON."}


def parse(engine: Engine, scope: Scope, body: Json, identity: Identity) -> Call:
    """``:generateContent`` as a chat."""
    return _call(engine, scope, body, identity, stream=False)


def parse_stream(engine: Engine, scope: Scope, body: Json, identity: Identity) -> Call:
    """``:streamGenerateContent`` as a chat."""
    return _call(engine, scope, body, identity, stream=True)


def parse_count(engine: Engine, scope: Scope, body: Json) -> Json:
    """``:countTokens`` as a chat's parameters."""
    asked = cast(Json, check(COUNT, body))
    engine.plan.chain(model_name(scope), Operation.CHAT)
    whole = asked.get("generate_content_request") or {}
    if bool(whole) == bool(asked.get("contents")):
        raise InvalidRequest("Send either 'contents' or 'generateContentRequest'.", param="contents")
    contents = asked.get("contents") or whole["contents"]
    return {"messages": chat_messages(whole.get("system_instruction"), contents), **_tools(whole)}


def model_name(scope: Scope) -> str:
    """The model that the path names."""
    name: str = scope["path_params"]["model"]
    if len(name) > LONGEST_NAME:
        raise NotFound("There is no model of so long a name here.", code="model_not_found", param="model")
    return name


def _call(engine: Engine, scope: Scope, body: Json, identity: Identity, *, stream: bool) -> Call:
    asked = cast(Json, check(GENERATE, body))
    config = asked.get("generation_config") or {}
    return foreign.chat_call(
        engine,
        scope,
        identity,
        model=model_name(scope),
        params=_params(asked, config),
        stream=stream,
        thoughts=bool((config.get("thinking_config") or {}).get("include_thoughts")),
        **({EVENTS: _events_asked(scope)} if stream else {}),
    )


def _events_asked(scope: Scope) -> bool:
    """``alt=sse``; without it Google sends an array."""
    query: str = scope["query_string"].decode("latin-1")
    alt = parse_qs(query).get("alt", ["json"])[-1]
    if alt not in ("sse", "json"):
        raise InvalidRequest("'alt' can be 'sse' or 'json'.", param="alt")
    return alt == "sse"


def _params(asked: Mapping[str, Any], config: Mapping[str, Any]) -> Json:
    messages = chat_messages(asked.get("system_instruction"), asked["contents"])
    shape = _format(config)
    if shape == {"type": "json_object"} and b"json" not in orjson.dumps(messages).lower():
        messages = [JSON_ASKED, *messages]
    return {
        "messages": messages,
        **_sampling(config),
        "response_format": shape,
        "reasoning_effort": _effort(config.get("thinking_config") or {}),
        "service_tier": TIERS.get(asked.get("service_tier") or ""),
        "safety_settings": asked.get("safety_settings") or None,
        **_tools(asked),
    }


def _sampling(config: Mapping[str, Any]) -> Json:
    top_k, count = config.get("top_k"), config.get("candidate_count")
    logprobs = config.get("response_logprobs") or None
    return {
        "max_tokens": config.get("max_output_tokens"),
        "top_k": None if top_k is None else int(top_k),
        "stop": config.get("stop_sequences") or None,
        "n": None if count == 1 else count,
        "logprobs": logprobs,
        "top_logprobs": config.get("logprobs") if logprobs else None,
        **{name: config.get(name) for name in SAME_NAMES},
    }


def _effort(thinking: Mapping[str, Any]) -> str | None:
    """Of a level, of a budget, or OpenAI's usual where only the thoughts are asked for. A budget of -1 is the model's
    own choice."""
    level, budget = thinking.get("thinking_level"), thinking.get("thinking_budget")
    if level and level != "THINKING_LEVEL_UNSPECIFIED":
        return LEVELS.get(level, str(level).lower())
    if budget is not None and budget >= 0:
        return foreign.effort(budget) if budget else "none"
    return "medium" if thinking.get("include_thoughts") else None


def _format(config: Mapping[str, Any]) -> Json | None:
    schema = config.get("response_json_schema")
    if schema is None and config.get("response_schema") is not None:
        schema = json_schema(config["response_schema"])
    if schema is not None:
        return foreign.schema_format(schema)
    return {"type": "json_object"} if config.get("response_mime_type") == "application/json" else None


def _tools(asked: Mapping[str, Any]) -> Json:
    """``tools`` and ``tool_choice``. Of several functions that may be called, the others are left out: a chat can force
    one or any."""
    declared = [one for tool in asked.get("tools") or () for one in tool.get("function_declarations") or ()]
    if not declared:
        return {}
    config = (asked.get("tool_config") or {}).get("function_calling_config") or {}
    allowed = config.get("allowed_function_names")
    unknown = set(allowed or ()) - {one["name"] for one in declared}
    if unknown:
        where = "toolConfig.functionCallingConfig.allowedFunctionNames"
        raise InvalidRequest(f"There is no function {min(unknown)!r} in 'tools'.", param=where)
    tools = [_tool(one) for one in declared if not allowed or one["name"] in allowed]
    return {"tools": tools, "tool_choice": MODES.get(config.get("mode") or "")}


def _tool(declared: Json) -> Json:
    schema = declared.get("parameters_json_schema")
    if schema is None and declared.get("parameters") is not None:
        schema = json_schema(declared["parameters"])
    function = {"name": declared["name"], "description": declared.get("description"), "parameters": schema}
    return {"type": "function", "function": {key: value for key, value in function.items() if value is not None}}
