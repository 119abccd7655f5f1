"""The ``response`` object: what was asked, who answered, what it used."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from gateway.contract import GatewayError, RateLimited
from gateway.http.responses.items import new_id

Json = dict[str, Any]
#: What is told back as it was sent, and what OpenAI tells where it was not.
ECHOED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "prompt_cache_key": None,
    "prompt_cache_retention": None,
    "safety_identifier": None,
    "temperature": None,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}


class Reply:
    """The response to ``request``; ``model`` is who answers until a chunk says so."""

    def __init__(self, request: Mapping[str, Any], model: str) -> None:
        self._fields: Json = {
            "id": new_id("resp"),
            "object": "response",
            "created_at": int(time.time()),
            "background": False,
            "model": model,
            **_echo(request),
            "previous_response_id": None,
            "store": False,
        }
        self._usage: Json | None = None

    def note(self, data: Mapping[str, Any]) -> None:
        """Take in what a ``chat.completion.chunk`` says beside its choices."""
        for key in ("model", "service_tier"):
            if data.get(key):
                self._fields[key] = data[key]
        if data.get("usage"):
            self._usage = usage(data["usage"])

    def body(self, status: str, output: list[Json], *, reason: str | None = None) -> Json:
        """The object in this state; ``reason`` says why it is incomplete."""
        return {
            **self._fields,
            "status": status,
            "completed_at": int(time.time()) if status == "completed" else None,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "output": output,
            "usage": None if status == "in_progress" else self._usage,
        }

    def failed(self, error: GatewayError, output: list[Json]) -> Json:
        """The object of a response that broke off, with the reason in one of OpenAI's own words."""
        code = "rate_limit_exceeded" if isinstance(error, RateLimited) else "server_error"
        return {**self.body("failed", output), "error": {"code": code, "message": error.message}}


def usage(chat: Mapping[str, Any]) -> Json:
    """A chat's usage in a response's words."""
    prompt, completion = chat.get("prompt_tokens") or 0, chat.get("completion_tokens") or 0
    read, made = chat.get("prompt_tokens_details") or {}, chat.get("completion_tokens_details") or {}
    return {
        "input_tokens": prompt,
        "input_tokens_details": {
            "cached_tokens": read.get("cached_tokens") or 0,
            "cache_write_tokens": read.get("cache_write_tokens") or read.get("cache_creation_tokens") or 0,
        },
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": made.get("reasoning_tokens") or 0},
        "total_tokens": chat.get("total_tokens") or prompt + completion,
    }


def _echo(request: Mapping[str, Any]) -> Json:
    echoed = {key: absent if request.get(key) is None else request[key] for key, absent in ECHOED.items()}
    text, reasoning = request.get("text") or {}, request.get("reasoning") or {}
    return {
        **echoed,
        "metadata": request.get("metadata") or {},
        "reasoning": {key: reasoning.get(key) for key in ("effort", "summary")},
        "service_tier": request.get("service_tier") or "default",
        "text": {"format": text.get("format") or {"type": "text"}, "verbosity": text.get("verbosity") or "medium"},
        "tools": [_tool(tool) for tool in request.get("tools") or ()],
    }


def _tool(tool: Mapping[str, Any]) -> Json:
    absent = {"description": None, "parameters": None}
    return {**absent, **tool, "strict": bool(tool.get("strict"))}
