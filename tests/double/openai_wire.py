"""OpenAI's replies: chat completions whole and streamed, embeddings, models."""

import time
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

import orjson

from . import openai_errors, vectors
from .ask import Answer, Ask, ToolCall, count_words
from .wire import Canned, Event, Problem, Subject

FINISH = {"stop": "stop", "length": "length", "tools": "tool_calls", "filter": "content_filter"}
FRAGMENTS = 4  # pieces a tool call's arguments are streamed in
FINGERPRINT = "fp_double0001"


class OpenAI:
    """OpenAI's wire format, from `/v1` on."""

    name = "openai"
    line_end = b"\n"

    def plain(self, ask: Ask, answer: Answer) -> Any:
        """A `chat.completion` object."""
        choices = [
            {
                "index": index,
                "message": _message(ask, answer, index),
                "logprobs": _logprobs(answer.pieces) if ask.logprobs else None,
                "finish_reason": FINISH[answer.finish],
            }
            for index in range(ask.n)
        ]
        return _envelope(ask, "chat.completion") | {"choices": choices, "usage": usage(ask, answer)}

    def events(self, ask: Ask, answer: Answer) -> Iterator[Event]:
        """Role, text or tool calls, finish, usage if asked for, `[DONE]`."""
        frame = _envelope(ask, "chat.completion.chunk")
        if ask.usage:
            frame["usage"] = None
        opener = {
            "role": "assistant",
            "content": None if answer.calls or answer.absent else "",
            "refusal": None,
        }
        yield from _each_choice(ask, frame, Event("role", opener))
        for delta in _deltas(ask, answer):
            yield from _each_choice(ask, frame, Event("text", delta))
        yield from _each_choice(ask, frame, Event("finish", {}), FINISH[answer.finish])
        if ask.usage:
            yield Event("usage", frame | {"choices": [], "usage": usage(ask, answer)})
        yield Event("done", "[DONE]")

    def unfinished(self, events: Iterator[Event]) -> Iterator[Event]:
        """Ends before the event with the finish reason."""
        return takewhile(lambda event: event.kind != "finish", events)

    def error(self, status: int, message: str | None, retry_after: float | None = None) -> Problem:
        """See Wire; `retry_after` seconds go into a Retry-After header."""
        return openai_errors.error(status, message, retry_after)

    def canned(self, name: Canned, subject: Subject) -> Problem:
        """See Wire."""
        return openai_errors.canned(name, subject)

    def blocked_prompt(self, ask: Ask) -> Any | None:
        """OpenAI has no such shape."""
        return None

    def headers(self, call_id: int) -> Mapping[str, str]:
        """The request's id and the API's version."""
        return {"x-request-id": f"req_{call_id:032x}", "openai-version": "2020-10-01"}


def _envelope(ask: Ask, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-double{ask.id:08d}",
        "object": kind,
        "created": int(time.time()),
        "model": ask.shown,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


def _message(ask: Ask, answer: Answer, index: int) -> dict[str, Any]:
    absent = answer.calls or answer.refusal or answer.absent
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if absent else answer.text,
        "refusal": answer.refusal,
        "annotations": [],
    }
    if answer.calls:
        message["tool_calls"] = [
            _tool_call(ask, place, index, call, _arguments(call)) for place, call in enumerate(answer.calls)
        ]
    return message


def _arguments(call: ToolCall) -> str:
    return orjson.dumps(call.arguments).decode()


def _tool_call(ask: Ask, place: int, index: int, call: ToolCall, arguments: str) -> dict[str, Any]:
    return {
        "id": f"call_{ask.id:08d}{index:02d}{place:02d}",
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _each_choice(ask: Ask, frame: dict[str, Any], event: Event, finish: str | None = None) -> Iterator[Event]:
    """The same delta for every choice; a tool call's id tells the choices apart."""
    piece = event.data.get("content") if event.kind == "text" else None
    logprobs = _logprobs([piece]) if ask.logprobs and piece else None
    for index in range(ask.n):
        choice = {"index": index, "delta": event.data, "logprobs": logprobs, "finish_reason": finish}
        yield Event(event.kind, frame | {"choices": [choice]})


def _deltas(ask: Ask, answer: Answer) -> Iterator[dict[str, Any]]:
    for piece in answer.pieces:
        yield {"content": piece}
    if answer.refusal:
        yield {"refusal": answer.refusal}
    for place, call in enumerate(answer.calls):
        yield {"tool_calls": [{"index": place} | _tool_call(ask, place, 0, call, "")]}
        text = _arguments(call)
        size = -(-len(text) // FRAGMENTS)
        for start in range(0, len(text), size):
            fragment = {"arguments": text[start : start + size]}
            yield {"tool_calls": [{"index": place, "function": fragment}]}


def _logprobs(pieces: Any) -> dict[str, Any]:
    tokens = [{"token": piece, "logprob": -0.125, "bytes": list(piece.encode())} for piece in pieces]
    return {"content": [token | {"top_logprobs": [token]} for token in tokens], "refusal": None}


def usage(ask: Ask, answer: Answer) -> dict[str, Any]:
    """Words counted as tokens."""
    prompt, completion = ask.prompt_words, answer.words * ask.n
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def embeddings(body: dict[str, Any]) -> dict[str, Any]:
    """A reply of POST /embeddings: float lists, or base64 where `encoding_format` asks for it."""
    texts = _inputs(body.get("input"))
    size = body.get("dimensions") or vectors.DIMENSIONS
    pack = body.get("encoding_format") == "base64"
    found = [vectors.unit(text, size) for text in texts]
    tokens = sum(count_words(text) for text in texts)
    data = [
        {"object": "embedding", "index": index, "embedding": vectors.packed(vector) if pack else vector}
        for index, vector in enumerate(found)
    ]
    used = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": body.get("model"), "usage": used}


def _inputs(given: Any) -> list[str]:
    """One text for each input; token ids become their numbers joined by blanks."""
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list) or not given:
        raise ValueError("Missing required parameter: 'input'.")
    if all(isinstance(one, int) for one in given):
        return [" ".join(map(str, given))]
    return [one if isinstance(one, str) else " ".join(map(str, one)) for one in given]


def models() -> dict[str, Any]:
    """A reply of GET /models."""
    names = ("gpt-4o", "gpt-4o-mini", "text-embedding-3-small")
    data = [{"id": name, "object": "model", "created": 1715367049, "owned_by": "system"} for name in names]
    return {"object": "list", "data": data}
