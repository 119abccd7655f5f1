"""OpenAI's Responses API: a chat in other words, and what is kept of it."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from . import openai_ask
from .ask import Answer, Ask
from .openai_wire import OpenAI
from .stored import NotAnsweredError, Stored, listed
from .wire import Event, flat_text

Json = dict[str, Any]
STATUS = {"length": "incomplete", "filter": "incomplete"}
REASONS = {"length": "max_output_tokens", "filter": "content_filter"}


def read(body: Json, call_id: int, kept: Stored) -> Ask:
    """The request as an Ask; what was said before it, if it names that, comes first."""
    items = _items(body.get("input"))
    before = body.get("previous_response_id")
    if before is not None:
        if before not in kept.responses:
            message = f"Previous response with id '{before}' not found."
            raise NotAnsweredError(400, message, "previous_response_id", "previous_response_not_found")
        items = [*kept.items[before], *kept.responses[before]["output"], *items]
    chat: Json = {
        "model": body.get("model"),
        "messages": [_message(item) for item in items],
        "tools": [{"function": tool} for tool in body.get("tools") or [] if tool.get("type") == "function"],
        "max_tokens": body.get("max_output_tokens"),
        "stream": body.get("stream"),
        "parallel_tool_calls": body.get("parallel_tool_calls"),
    }
    if instructions := body.get("instructions"):
        chat["messages"].insert(0, {"role": "system", "content": instructions})
    wanted = (body.get("text") or {}).get("format") or {}
    chat["response_format"] = {"type": wanted.get("type"), "json_schema": wanted}
    choice = body.get("tool_choice")
    chat["tool_choice"] = {"function": choice} if isinstance(choice, dict) else choice
    return openai_ask.read(chat, call_id)


def _items(given: Any) -> list[Json]:
    """The input's items, a bare text being a user's message."""
    if isinstance(given, str) and given:
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    if not isinstance(given, list) or not given:
        raise ValueError("Missing required parameter: 'input'.")
    return [dict(item) for item in given]


def _message(item: Json) -> Json:
    if item.get("type") == "function_call":
        return {"role": "assistant", "tool_calls": [{"function": {"arguments": item.get("arguments")}}]}
    if item.get("type") == "function_call_output":
        return {"role": "tool", "content": item.get("output")}
    return {"role": item.get("role"), "content": flat_text(item.get("content"))}


class Responses(OpenAI):
    """The wire format of one request to POST /responses."""

    def __init__(self, body: Json, kept: Stored) -> None:
        self._body = body
        self._kept = kept

    def plain(self, ask: Ask, answer: Answer) -> Any:
        """A `response` object, kept unless `store` is false; one in the background is still under way."""
        whole = self._response(ask, answer)
        if self._body.get("store") is not False:
            self._keep(whole)
        if self._body.get("background"):
            return whole | {"status": "queued", "output": [], "usage": None}
        return whole

    def events(self, ask: Ask, answer: Answer) -> Iterator[Event]:
        """From `response.created` to `response.completed`, or `response.incomplete`."""
        whole = self.plain(ask, answer)
        begun = whole | {"status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
        made = [
            Event("role", {"type": "response.created", "response": begun}),
            Event("text", {"type": "response.in_progress", "response": begun}),
        ]
        for place, item in enumerate(whole["output"]):
            made += _item_events(item, place, answer)
        made.append(Event("finish", {"type": f"response.{whole['status']}", "response": whole}))
        for number, event in enumerate(made):
            yield Event(event.kind, event.data | {"sequence_number": number}, event.data["type"])

    def _keep(self, whole: Json) -> None:
        self._kept.responses[whole["id"]] = whole
        items = _items(self._body["input"])
        self._kept.items[whole["id"]] = [{"id": f"item_{at}", "type": "message", **one} for at, one in enumerate(items)]

    def _response(self, ask: Ask, answer: Answer) -> Json:
        reason = REASONS.get(answer.finish)
        echoed = ("instructions", "max_output_tokens", "previous_response_id", "temperature", "top_p", "background")
        return {
            "id": f"resp_double{ask.id:08d}",
            "object": "response",
            "created_at": int(time.time()),
            "status": STATUS.get(answer.finish, "completed"),
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            **{name: self._body.get(name) for name in echoed},
            "metadata": self._body.get("metadata") or {},
            "model": ask.shown,
            "output": _output(ask, answer),
            "parallel_tool_calls": ask.parallel,
            "store": self._body.get("store") is not False,
            "text": self._body.get("text") or {"format": {"type": "text"}},
            "tool_choice": self._body.get("tool_choice") or "auto",
            "tools": self._body.get("tools") or [],
            "truncation": "disabled",
            "usage": _usage(ask, answer),
        }


def _output(ask: Ask, answer: Answer) -> list[Json]:
    if answer.calls:
        return [
            {
                "id": f"fc_{ask.id:08d}{place:02d}",
                "type": "function_call",
                "call_id": f"call_{ask.id:08d}{place:02d}",
                "name": call.name,
                "arguments": orjson.dumps(call.arguments).decode(),
                "status": "completed",
            }
            for place, call in enumerate(answer.calls)
        ]
    part: Json = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
    if answer.refusal:
        part = {"type": "refusal", "refusal": answer.refusal}
    content = [] if answer.absent and not answer.refusal else [part]
    return [
        {"id": f"msg_{ask.id:08d}", "type": "message", "role": "assistant", "status": "completed", "content": content}
    ]


def _usage(ask: Ask, answer: Answer) -> Json:
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    spoken = answer.words
    return {
        "input_tokens": ask.prompt_words,
        "output_tokens": spoken,
        "total_tokens": ask.prompt_words + spoken,
        **details,
    }


def _item_events(item: Json, place: int, answer: Answer) -> list[Event]:
    """The events of one output item."""
    at = {"item_id": item["id"], "output_index": place}
    if item["type"] == "function_call":
        opening, middle = item | {"arguments": "", "status": "in_progress"}, _call_events(item, at)
    else:
        opening, middle = item | {"content": [], "status": "in_progress"}, _text_events(item, at, answer)
    added = {"type": "response.output_item.added", "output_index": place, "item": opening}
    done = {"type": "response.output_item.done", "output_index": place, "item": item}
    return [Event("text", data) for data in (added, *middle, done)]


def _call_events(item: Json, at: Json) -> list[Json]:
    kind, text = "response.function_call_arguments", item["arguments"]
    half = len(text) // 2
    deltas: list[Json] = [{"type": f"{kind}.delta", **at, "delta": one} for one in (text[:half], text[half:]) if one]
    return [*deltas, {"type": f"{kind}.done", **at, "arguments": text}]


def _text_events(item: Json, at: Json, answer: Answer) -> list[Json]:
    events: list[Json] = []
    for index, part in enumerate(item["content"]):
        where = at | {"content_index": index}
        field = "text" if part["type"] == "output_text" else "refusal"
        kind = f"response.{part['type']}"
        pieces = answer.pieces if field == "text" else [part["refusal"]]
        extra: Json = {"logprobs": []} if field == "text" else {}
        events.append({"type": "response.content_part.added", **where, "part": part | {field: ""}})
        events += [{"type": f"{kind}.delta", **where, "delta": piece, **extra} for piece in pieces]
        events.append({"type": f"{kind}.done", **where, field: part[field], **extra})
        events.append({"type": "response.content_part.done", **where, "part": part})
    return events


def fetch(kept: Stored, name: str) -> Json:
    """GET /responses/{id}."""
    if name not in kept.responses:
        raise NotAnsweredError(404, f"Response with id '{name}' not found.")
    return kept.responses[name]


def delete(kept: Stored, name: str) -> Json:
    """DELETE /responses/{id}."""
    del kept.responses[fetch(kept, name)["id"]]
    return {"id": name, "object": "response", "deleted": True}


def cancel(kept: Stored, name: str) -> Json:
    """POST /responses/{id}/cancel."""
    if not fetch(kept, name)["background"]:
        raise NotAnsweredError(400, "Cannot cancel a synchronous response.")
    kept.responses[name] |= {"status": "cancelled", "output": []}
    return kept.responses[name]


def items(kept: Stored, name: str, query: Mapping[str, str]) -> Json:
    """GET /responses/{id}/input_items."""
    fetch(kept, name)
    return listed({item["id"]: item for item in kept.items[name]}, query)
