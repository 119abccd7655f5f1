"""What the bench's provider says, as prepared bytes: OpenAI's and Gemini's wire, whole and in 20 chunks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import orjson

#: One chunk each; the first and the last are what the load's client looks for.
TEXT = "Kindly call Maya before noon today because the budget is agreed and she asked for a very short written summary."
WORDS = TEXT.split(" ")
FIRST, LAST = WORDS[0], WORDS[-1]
#: A modal's payload that fits config/schemas/suggestions.json and takes no number from anywhere.
PAYLOAD = orjson.dumps(
    {
        "modal_title": "Next best action for Maya Chen",
        "summary_bullets": ["Kindly call Maya before noon", "The budget is agreed", "Send a written summary."],
        "ui": {"primary_cta": {"label": "Schedule call", "action": "open_call_console"}, "chips": ["lead"]},
    }
).decode()
CHUNKS = len(WORDS)
PROMPT_TOKENS = 12
SSE = "text/event-stream; charset=utf-8"
JSON = "application/json"


def pieces(text: str) -> list[str]:
    """``text`` in 20 pieces of about the same length, or in its words where those are 20."""
    if text == TEXT:
        return [WORDS[0], *(f" {word}" for word in WORDS[1:])]
    ends = [len(text) * number // CHUNKS for number in range(CHUNKS + 1)]
    return [text[start:end] for start, end in pairwise(ends)]


def whole(body: bytes, status: str = "200 OK", kind: str = JSON) -> bytes:
    """A reply with its length."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def opening(kind: str) -> bytes:
    """The head of a reply of unknown length."""
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()


def framed(data: bytes) -> bytes:
    """One chunk of such a reply."""
    return b"%x\r\n%s\r\n" % (len(data), data)


END = b"0\r\n\r\n"


def openai_whole(text: str) -> bytes:
    """A ``chat.completion``."""
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return whole(orjson.dumps(_openai("chat.completion", [choice], _openai_usage())))


def openai_event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    """One ``chat.completion.chunk`` as an event."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return b"data: " + orjson.dumps(_openai("chat.completion.chunk", [choice], None)) + b"\n\n"


def openai_opening() -> bytes:
    """The event before any text."""
    return openai_event({"role": "assistant", "content": "", "refusal": None})


def openai_closing(*, usage: bool) -> list[bytes]:
    """The events after the text; ``usage`` where it was asked for."""
    last = b"data: " + orjson.dumps(_openai("chat.completion.chunk", [], _openai_usage())) + b"\n\n"
    return [openai_event({}, "stop"), *([last] if usage else []), b"data: [DONE]\n\n"]


def openai_stream(text: str, *, usage: bool) -> list[bytes]:
    """The writes of a stream, one an event; the first has the head too."""
    texts = [openai_event({"content": piece}) for piece in pieces(text)]
    return _writes(SSE, [openai_opening(), *texts, *openai_closing(usage=usage)])


def gemini_whole(text: str) -> bytes:
    """A GenerateContentResponse."""
    return whole(orjson.dumps(gemini_reply(text, CHUNKS, "STOP")), kind=f"{JSON}; charset=UTF-8")


def gemini_event(text: str, tokens: int, finish: str | None = None) -> bytes:
    """One response of a stream as an event; its lines end as Gemini's do."""
    return b"data: " + orjson.dumps(gemini_reply(text, tokens, finish)) + b"\r\n\r\n"


def gemini_stream(text: str) -> list[bytes]:
    """The writes of a stream with ``alt=sse``."""
    last = len(pieces(text))
    events = [
        gemini_event(piece, number, "STOP" if number == last else None)
        for number, piece in enumerate(pieces(text), start=1)
    ]
    return _writes(SSE, events)


def gemini_array(text: str) -> list[bytes]:
    """The same without ``alt=sse``: one JSON array."""
    last = len(pieces(text))
    parts = []
    for number, piece in enumerate(pieces(text), start=1):
        reply = orjson.dumps(gemini_reply(piece, number, "STOP" if number == last else None))
        parts.append((b"[" if number == 1 else b",\r\n") + reply + (b"\n]\n" if number == last else b"\n"))
    return _writes(f"{JSON}; charset=UTF-8", parts)


def gemini_reply(text: str, tokens: int, finish: str | None) -> dict[str, Any]:
    """A GenerateContentResponse as an object; ``tokens`` of the answer so far."""
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}}
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [{**candidate, "index": 0}],
        "usageMetadata": {
            "promptTokenCount": PROMPT_TOKENS,
            "candidatesTokenCount": tokens,
            "totalTokenCount": PROMPT_TOKENS + tokens,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": PROMPT_TOKENS}],
        },
        "modelVersion": "gemini-2.0-flash",
        "responseId": "bench0000000001",
    }


def refusal(wire: str, status: int = 503) -> bytes:
    """A provider's fault, in the wire's own shape."""
    if wire == "gemini":
        error: dict[str, Any] = {"code": status, "message": "The model is overloaded.", "status": "UNAVAILABLE"}
    else:
        error = {"message": "The server is overloaded.", "type": "server_error", "param": None, "code": None}
    return whole(orjson.dumps({"error": error}), f"{status} Service Unavailable")


def _writes(kind: str, events: Sequence[bytes]) -> list[bytes]:
    chunks = [framed(event) for event in events]
    return [opening(kind) + chunks[0], *chunks[1:], END]


def _openai(kind: str, choices: list[Any], usage: dict[str, Any] | None) -> dict[str, Any]:
    reply = {
        "id": "chatcmpl-bench00000000000000000000001",
        "object": kind,
        "created": 1760000000,
        "model": "gpt-4o-mini-2024-07-18",
        "service_tier": "default",
        "system_fingerprint": "fp_bench00001",
        "choices": choices,
    }
    return reply if usage is None else {**reply, "usage": usage}


def _openai_usage() -> dict[str, Any]:
    return {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": CHUNKS,
        "total_tokens": PROMPT_TOKENS + CHUNKS,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
