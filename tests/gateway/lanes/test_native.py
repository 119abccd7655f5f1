"""The lane by itself, over replies that no provider should give; tests/e2e/test_native.py drives the real wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest

from gateway.contract import Operation, Upload
from gateway.lanes.native import ROWS, NativeLane
from gateway.lanes.transport import Request, Transport
from gateway.upstream.failures import Failure, Kind
from tests.support.fakes import collect, deployment, make_call

MINE = deployment("mine", model="theirs", api_base="http://provider/v1/", api_key="k", native=True)
SOUND = Upload("call.wav", b"RIFF", "audio/wav")
STAYS_OPEN: Any = object()
JSON, EVENTS = "application/json", "text/event-stream"


class Replies:
    """A transport that answers everything with one reply."""

    def __init__(self, kind: str, *pieces: bytes | Exception) -> None:
        self.kind, self.pieces = kind, pieces
        self.sent: list[Request] = []

    @asynccontextmanager
    async def post(self, request: Request) -> AsyncIterator[Any]:
        self.sent.append(request)
        left = list(self.pieces)

        async def readany() -> bytes:
            if left and left[0] is STAYS_OPEN:
                await asyncio.sleep(60)
            piece = left.pop(0) if left else b""
            if isinstance(piece, Exception):
                raise piece
            return piece

        kind, content = self.kind.partition(";")[0], SimpleNamespace(readany=readany)
        yield SimpleNamespace(content_type=kind, headers={"Content-Type": self.kind}, content=content)

    async def json(self, response: Any, most: int) -> Any:
        assert most % 1000 == 0
        return json.loads(b"".join(piece for piece in self.pieces if isinstance(piece, bytes)))


async def carried(
    operation: Operation, params: dict[str, Any], kind: str, *pieces: Any, stream: bool = False
) -> tuple[Request, list[Any]]:
    replies = Replies(kind, *(json.dumps(piece).encode() if isinstance(piece, dict) else piece for piece in pieces))
    lane = NativeLane(cast(Transport, replies), 1000, 0.01)
    call = make_call(operation=operation, params=params, stream=stream)
    assert lane.streams(MINE, call) is stream
    chunks = await collect(lane.attempt(MINE, call))
    return replies.sent[0], [chunk.data for chunk in chunks]


async def fails(operation: Operation, kind: str, *pieces: Any, stream: bool = False, **params: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        await carried(operation, params, kind, *pieces, stream=stream)
    return caught.value


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def test_every_operation_but_chat_has_a_row() -> None:
    assert set(ROWS) == set(Operation) - {Operation.CHAT}


async def test_the_body_goes_as_it_is_under_the_provider_s_name() -> None:
    body = {"id": "modr-1", "model": "theirs-2026", "results": [{"flagged": False}]}
    request, [said] = await carried(Operation.MODERATION, {"input": "a"}, JSON, body)
    assert request.url == "http://provider/v1/moderations"
    assert json.loads(request.body) == {"input": "a", "model": "theirs"}
    assert request.headers == {"Authorization": "Bearer k", "Content-Type": JSON}
    assert said == {"body": {**body, "model": "mine"}}


async def test_files_go_as_a_form() -> None:
    request, [said] = await carried(Operation.TRANSCRIPTION, {"file": SOUND}, JSON, {"text": "hello"})
    assert request.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'filename="call.wav"' in request.body and b"RIFF" in request.body
    assert said == {"body": {"text": "hello"}}


async def test_embeddings_are_the_body_itself() -> None:
    body = {"object": "list", "data": [{"embedding": [0.5]}], "model": "x", "usage": {"prompt_tokens": 1}}
    _, [said] = await carried(Operation.EMBEDDING, {"input": "a"}, JSON, body)
    assert said == {**body, "model": "mine", "usage": {"prompt_tokens": 1, "total_tokens": 0}}


async def test_embeddings_may_be_base64_and_come_without_usage() -> None:
    _, [said] = await carried(Operation.EMBEDDING, {}, JSON, {"data": [{"embedding": "AAAAPw=="}], "usage": [1]})
    assert said["data"] == [{"embedding": "AAAAPw=="}]
    assert said["usage"] == {"prompt_tokens": 0, "total_tokens": 0}


async def test_bytes_are_passed_on_as_they_come() -> None:
    request, said = await carried(Operation.SPEECH, {"input": "a"}, "audio/mpeg", b"ID3", b"more", stream=True)
    assert "stream" not in json.loads(request.body)
    assert [(one["bytes"], one["content_type"]) for one in said] == [(b"ID3", "audio/mpeg"), (b"more", "audio/mpeg")]


@pytest.mark.parametrize("kind", ["text", "srt", "vtt"])
async def test_a_transcript_may_be_text(kind: str) -> None:
    params = {"file": SOUND, "response_format": kind}
    _, [said] = await carried(Operation.TRANSLATION, params, "text/plain; charset=utf-8", b"hello")
    assert said == {"bytes": b"hello", "content_type": "text/plain; charset=utf-8"}


async def test_events_are_passed_on_under_our_name() -> None:
    pieces = [
        event(type="response.created", response={"id": "r", "model": "theirs"}),
        b": a comment\n\n",
        event(type="response.completed", response={"id": "r", "model": "theirs", "usage": {"input_tokens": 1}}),
        b"data: [DONE]\n\n",
    ]
    request, said = await carried(Operation.RESPONSES, {"input": "a"}, EVENTS, *pieces, stream=True)
    assert json.loads(request.body)["stream"] is True
    assert [one["event"]["type"] for one in said] == ["response.created", "response.completed"]
    assert {one["event"]["response"]["model"] for one in said} == {"mine"}


@pytest.mark.parametrize(
    ("operation", "reply", "kind"),
    [
        (Operation.MODERATION, {"results": []}, Kind.EMPTY),
        (Operation.MODERATION, {"id": "m"}, Kind.GARBAGE),
        (Operation.IMAGE_GENERATION, {"data": None}, Kind.GARBAGE),
        (Operation.EMBEDDING, {"data": [{}]}, Kind.GARBAGE),
        (Operation.EMBEDDING, {"data": [None]}, Kind.GARBAGE),
        (Operation.EMBEDDING, {"data": [{"embedding": [[1]]}]}, Kind.GARBAGE),
        (Operation.EMBEDDING, {"data": [{"embedding": []}]}, Kind.GARBAGE),
        (Operation.EMBEDDING, {"data": [{"embedding": "no base64"}]}, Kind.GARBAGE),
        (Operation.SPEECH, {"text": "a"}, Kind.GARBAGE),
        (Operation.IMAGE_EDIT, {"data": "abc"}, Kind.GARBAGE),
        (Operation.TRANSLATION, {"text": ["a"]}, Kind.GARBAGE),
        (Operation.RESPONSES, {"output": [], "status": "failed", "error": {"code": "server_error"}}, Kind.STREAM_ERROR),
        (Operation.TRANSCRIPTION, {"error": {"message": "no", "code": 500}}, Kind.STREAM_ERROR),
    ],
)
async def test_a_reply_that_is_none(operation: Operation, reply: dict[str, Any], kind: Kind) -> None:
    assert (await fails(operation, JSON, reply)).kind is kind


@pytest.mark.parametrize("kind", ["text/plain", "text/html", "application/json"])
async def test_words_are_no_sound(kind: str) -> None:
    assert (await fails(Operation.SPEECH, kind, {"text": "upstream unavailable"}, stream=True)).kind is Kind.GARBAGE


async def test_json_is_json_whatever_it_is_called() -> None:
    _, [said] = await carried(Operation.MODERATION, {"input": "a"}, "text/plain", {"results": [1]})
    assert said == {"body": {"results": [1]}}


async def test_a_server_that_knows_json_only_is_still_heard() -> None:
    asked = {"file": SOUND, "response_format": "text"}
    _, [said] = await carried(Operation.TRANSCRIPTION, asked, JSON, {"text": "hello"})
    assert said == {"bytes": b"hello", "content_type": "text/plain; charset=utf-8"}
    failure = await fails(Operation.TRANSCRIPTION, JSON, {"text": "hello"}, file=SOUND, response_format="srt")
    assert failure.kind is Kind.GARBAGE


@pytest.mark.parametrize(
    "rest", [[b": bye\n\n", STAYS_OPEN], [aiohttp.ClientPayloadError()], []], ids=["open", "lost", "end"]
)
async def test_after_the_last_event_nothing_can_be_missing(rest: list[Any]) -> None:
    last = event(type="response.completed")
    _, said = await carried(Operation.RESPONSES, {}, EVENTS, last, *rest, stream=True)
    assert [one["event"]["type"] for one in said] == ["response.completed"]


async def test_a_last_event_need_not_be_closed() -> None:
    last = event(type="transcript.text.done", text="a").rstrip()
    _, [said] = await carried(Operation.TRANSCRIPTION, {"file": SOUND}, EVENTS, last, stream=True)
    assert said["event"]["text"] == "a"


async def test_each_of_several_images_has_a_last_event() -> None:
    events = [event(type="image_generation.completed", b64_json=name) for name in ("a", "b")]
    _, said = await carried(Operation.IMAGE_GENERATION, {"n": 2}, EVENTS, *events, STAYS_OPEN, stream=True)
    assert [one["event"]["b64_json"] for one in said] == ["a", "b"]
    assert (await fails(Operation.IMAGE_GENERATION, EVENTS, events[0], stream=True, n=2)).kind is Kind.CUT


async def test_images_and_sound_may_be_longer() -> None:
    _, said = await carried(Operation.SPEECH, {}, "audio/wav", b"x" * 4000, b"x" * 3000, stream=True)
    assert sum(len(one["bytes"]) for one in said) == 7000
    picture = event(type="image_generation.completed", b64_json="x" * 5000)
    assert len(await carried(Operation.IMAGE_GENERATION, {}, EVENTS, picture, stream=True)) == 2


async def test_an_entry_s_own_parameters_are_a_response_s_too() -> None:
    own = deployment("mine", model="theirs", native=True, defaults={"temperature": 0.2, "top_p": 0.5, "n": 2})
    replies = Replies(JSON, json.dumps({"output": []}).encode())
    lane = NativeLane(cast(Transport, replies), 1000, 0.01)
    await collect(lane.attempt(own, make_call(operation=Operation.RESPONSES, params={"input": "a", "top_p": 1})))
    assert json.loads(replies.sent[0].body) == {"temperature": 0.2, "top_p": 1, "input": "a", "model": "theirs"}


@pytest.mark.parametrize(
    ("pieces", "kind"),
    [
        ([event(type="response.created", response={})], Kind.CUT),
        ([event(type="response.created"), aiohttp.ClientPayloadError()], Kind.CUT),
        ([event(type="error", message="no")], Kind.STREAM_ERROR),
        ([event(type="response.created"), event(type="response.failed", response={"error": {}})], Kind.STREAM_ERROR),
        ([b'data: {"error": {"message": "no"}}\n\n'], Kind.STREAM_ERROR),
        ([b"data: nonsense\n\n"], Kind.GARBAGE),
        ([b"data: [1]\n\n"], Kind.GARBAGE),
        ([event(type="a\nevent: evil")], Kind.GARBAGE),
        ([event(type="response.output_text.delta", delta="x" * 3000), event(type="x", delta="x" * 3000)], Kind.GARBAGE),
    ],
    ids=["cut", "lost", "error", "failed", "bare-error", "no-json", "no-object", "odd-type", "too-much"],
)
async def test_a_stream_that_breaks(pieces: list[Any], kind: Kind) -> None:
    assert (await fails(Operation.RESPONSES, EVENTS, *pieces, stream=True)).kind is kind


async def test_more_bytes_than_there_may_be_are_no_reply() -> None:
    assert (await fails(Operation.SPEECH, "audio/mpeg", b"x" * 6000, b"x" * 6000, stream=True)).kind is Kind.GARBAGE
