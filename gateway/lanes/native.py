"""OpenAI's routes that are no chat, on its own wire: the validated body goes as it is, under the provider's name for
the model; the reply comes back under ours."""

from __future__ import annotations

import asyncio
import binascii
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from gateway.bounded_json import loads
from gateway.contract import Call, Chunk, Operation
from gateway.lanes.form import encode, holds_files
from gateway.lanes.openai_stream import error_in_reply
from gateway.lanes.reading import DONE
from gateway.lanes.sse import EventParser
from gateway.lanes.transport import Request, Transport, transport_failure
from gateway.lanes.wire import Json
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.patience import SILENT_EVENTS
from gateway.waiting import until

DEFAULT_BASE = "https://api.openai.com/v1"
#: Types of the last event of a stream; nothing of the answer comes after it.
LAST_EVENTS = frozenset(
    {
        "response.completed",
        "response.incomplete",
        "response.failed",
        "response.cancelled",
        "image_generation.completed",
        "image_edit.completed",
        "speech.audio.done",
        "transcript.text.done",
    }
)
#: Images and sound are longer than words; of a stream, each comes with all that was sent of it before.
MEDIA_FACTOR, STREAM_FACTOR = 8, 4
#: It is written into the stream's own lines.
EVENT_TYPE = re.compile(r"[A-Za-z0-9_.]{1,100}")
OCTETS = "application/octet-stream"
#: Formats of a transcript that are no JSON.
PLAIN_TEXTS = frozenset({"text", "srt", "vtt"})
#: Of an entry's own parameters, which are a chat's, those that a response has too.
DEFAULTS = frozenset({"temperature", "top_p", "service_tier", "user", "metadata", "store", "parallel_tool_calls"})


@dataclass(frozen=True, slots=True)
class Row:
    """Where an operation goes, and the field, of which type, without which a JSON reply to it is none."""

    path: str
    needed: str = ""
    type: type = list
    factor: int = 1


ROWS: Final[Mapping[Operation, Row]] = {
    Operation.EMBEDDING: Row("embeddings", "data"),
    Operation.RESPONSES: Row("responses", "output"),
    Operation.MODERATION: Row("moderations", "results"),
    Operation.IMAGE_GENERATION: Row("images/generations", "data", factor=MEDIA_FACTOR),
    Operation.IMAGE_EDIT: Row("images/edits", "data", factor=MEDIA_FACTOR),
    Operation.SPEECH: Row("audio/speech", factor=MEDIA_FACTOR),
    Operation.TRANSCRIPTION: Row("audio/transcriptions", "text", str),
    Operation.TRANSLATION: Row("audio/translations", "text", str),
}


class NativeLane:
    """Carries them for deployments that speak OpenAI's wire. Replies may have ``max_bytes``, those of images and sound
    more; a stream's end is waited for for ``tail_seconds`` after its last event."""

    name = "native"

    def __init__(self, transport: Transport, max_bytes: int, tail_seconds: float) -> None:
        self._transport = transport
        self._max_bytes = max_bytes
        self._tail_seconds = tail_seconds

    def streams(self, deployment: Deployment, call: Call) -> bool:
        """See ``deployment.Lane``."""
        del deployment
        return call.stream

    async def attempt(self, deployment: Deployment, call: Call) -> AsyncGenerator[Chunk, None]:
        """See ``deployment.Lane``."""
        row = ROWS[call.operation]
        most = self._max_bytes * row.factor
        async with self._transport.post(_request(deployment, call, row)) as response:
            kind = response.content_type
            if kind == "text/event-stream":
                pieces = self._events(deployment, call, response, most)
            elif _is_answer(call, kind):
                pieces = self._bytes(response, most)
            else:
                yield _reply(deployment, call, row, await self._transport.json(response, most))
                return
            async with aclosing(pieces) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _bytes(self, response: aiohttp.ClientResponse, most: int) -> AsyncGenerator[Chunk, None]:
        """What is no JSON, as it comes; it says nothing where it is empty."""
        kind = response.headers.get("Content-Type", OCTETS)
        async for received in self._received(response, most):
            yield Chunk({"bytes": received, "content_type": kind})

    async def _events(
        self, deployment: Deployment, call: Call, response: aiohttp.ClientResponse, most: int
    ) -> AsyncGenerator[Chunk, None]:
        stream = _Stream(deployment, most, call)
        async for received in self._received(response, most * STREAM_FACTOR, stream):
            for event in stream.take(received):
                yield Chunk({"event": event})
        for event in stream.end():
            yield Chunk({"event": event})

    async def _received(
        self, response: aiohttp.ClientResponse, most: int, stream: _Stream | None = None
    ) -> AsyncGenerator[bytes, None]:
        size, tail = 0, None
        try:
            while received := await _read(response, tail):
                size += len(received)
                if size > most:
                    raise Failure(Kind.GARBAGE, f"the reply is over {most} bytes")
                yield received
                if tail is None and stream is not None and stream.over:
                    tail = asyncio.get_running_loop().time() + self._tail_seconds
        except TimeoutError:
            return  # all was said
        except (aiohttp.ClientError, OSError) as error:
            if stream is None or not stream.over:
                raise transport_failure(error) from error


class _Stream:
    """Reads a stream's events. ``over`` is that the last has come, of several images the last of each."""

    def __init__(self, deployment: Deployment, most: int, call: Call) -> None:
        self._deployment = deployment
        self._left = call.params.get("n") or 1
        self._parser = EventParser(most)
        self._spoken = self.over = False

    def take(self, received: bytes) -> Iterator[Json]:
        """The events that are whole; raises Failure."""
        for data in self._parser.feed(received):
            yield from self._event(data)

    def end(self) -> Iterator[Json]:
        """What is left; raises Failure where the last event is missing."""
        rest = self._parser.flush()
        if rest is not None:
            yield from self._event(rest)
        if not self.over:
            raise Failure(Kind.CUT, "the stream ended without its last event")

    def _event(self, data: bytes) -> Iterator[Json]:
        if data.strip() in (b"", DONE):
            return
        event = _event(data)
        if event["type"] == "response.failed" and not self._spoken:
            raise _failed(event.get("response"))
        self._spoken = self._spoken or event["type"] not in SILENT_EVENTS
        self._left -= event["type"] in LAST_EVENTS
        self.over = self._left <= 0
        response = event.get("response")
        if isinstance(response, dict) and "model" in response:
            response["model"] = self._deployment.group
        yield event


async def _read(response: aiohttp.ClientResponse, tail: float | None) -> bytes:
    """What has come; empty at the end. Raises TimeoutError where nothing comes until ``tail``, in the loop's time."""
    if tail is None:
        return await response.content.readany()
    return await until(tail, response.content.readany())


def _request(deployment: Deployment, call: Call, row: Row) -> Request:
    own = deployment.defaults if call.operation is Operation.RESPONSES else {}
    params = {name: value for name, value in own.items() if name in DEFAULTS} | {
        **call.params,
        "model": deployment.model,
    }
    if call.stream and call.operation is not Operation.SPEECH:  # which is streamed in any case
        params["stream"] = True
    body, kind = encode(params) if holds_files(params) else (orjson.dumps(params), "application/json")
    return Request(
        url=f"{(deployment.api_base or DEFAULT_BASE).rstrip('/')}/{row.path}",
        headers={"Authorization": f"Bearer {deployment.api_key}", "Content-Type": kind},
        body=body,
    )


def _is_answer(call: Call, kind: str) -> bool:
    """Whether a reply of this content type is what was asked for, and no JSON."""
    if call.operation is Operation.SPEECH:
        return kind.startswith("audio/") or kind == OCTETS
    return _as_text(call) and kind.startswith("text/") and kind != "text/html"


def _as_text(call: Call) -> bool:
    heard = call.operation in (Operation.TRANSCRIPTION, Operation.TRANSLATION)
    return heard and call.params.get("response_format") in PLAIN_TEXTS


def _reply(deployment: Deployment, call: Call, row: Row, body: Json) -> Chunk:
    """A whole reply; raises Failure for one that is none."""
    if body.get("error"):
        raise error_in_reply(body["error"])
    if body.get("status") == "failed":
        raise _failed(body)
    found = body.get(row.needed)
    if not row.needed or not isinstance(found, row.type):
        raise Failure(Kind.GARBAGE, f"the reply has no {row.needed!r}" if row.needed else "the reply is no sound")
    if row.needed in ("data", "results") and not found:
        raise Failure(Kind.EMPTY, f"the reply's {row.needed!r} is empty")
    if "model" in body:
        body["model"] = deployment.group
    if call.operation is Operation.EMBEDDING:
        return Chunk(_embeddings(deployment, body))
    if _as_text(call):  # of a server that knows JSON only
        if call.params["response_format"] != "text":
            raise Failure(Kind.GARBAGE, "the reply is JSON, which was not asked for")
        return Chunk({"bytes": body["text"].encode("utf-8", "replace"), "content_type": "text/plain; charset=utf-8"})
    return Chunk({"body": body})


def _failed(response: Any) -> Failure:
    error = response.get("error") if isinstance(response, dict) else None
    return error_in_reply(error)


def _embeddings(deployment: Deployment, body: Json) -> Json:
    if not all(isinstance(item, dict) and _is_vector(item.get("embedding")) for item in body["data"]):
        raise Failure(Kind.GARBAGE, "an embedding is missing, or is none")
    told = body.get("usage")
    told = told if isinstance(told, dict) else {}
    usage = {key: told.get(key) or 0 for key in ("prompt_tokens", "total_tokens")}
    return {"object": "list", "data": body["data"], "model": deployment.group, "usage": usage}


def _is_vector(value: Any) -> bool:
    """Numbers or, of a server that gives nothing else, base64 of 32-bit floats."""
    if isinstance(value, list):
        return bool(value) and set(map(type, value)) <= {int, float}
    try:
        return bool(value) and len(binascii.a2b_base64(value, strict_mode=True)) % 4 == 0
    except (TypeError, ValueError):
        return False


def _event(data: bytes) -> Json:
    try:
        event = loads(data)
    except ValueError:
        raise Failure(Kind.GARBAGE, "an event of the stream is not JSON") from None
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        if isinstance(event, dict) and event.get("error"):
            raise error_in_reply(event["error"])
        raise Failure(Kind.GARBAGE, "an event of the stream has no type")
    if not EVENT_TYPE.fullmatch(event["type"]):
        raise Failure(Kind.GARBAGE, "an event of the stream has an odd type")
    if event["type"] == "error":
        raise error_in_reply(event.get("error") or event)
    return event
