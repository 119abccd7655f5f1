from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.contract import Call, Chunk, Identity, InvalidRequest, NotFound, Operation, Surface, Unavailable
from gateway.engine import Engine
from gateway.http import native
from gateway.pipeline import Pipeline
from tests.support.asgi import Lines, Sent, scope
from tests.support.fakes import FakeUpstream, make_call
from tests.support.sse import events

ANN = Identity("127.0.0.1", "ann")
SCOPE = scope(request_id="req_1")
ROWS = {row.operation: row for row in native.ROWS}
GOOD: dict[Operation, dict[str, Any]] = {
    Operation.MODERATION: {"input": "a"},
    Operation.IMAGE_GENERATION: {"prompt": "a"},
    Operation.SPEECH: {"input": "a", "voice": "alloy", "model": "m"},
}


class Plan:
    """One model, which does everything but what is ``not_done``."""

    def __init__(self, not_done: Operation | None = None) -> None:
        self.not_done = not_done

    def first(self, operation: Operation, among: Any = None) -> str:
        self.chain("first", operation)
        return "first"

    def chain(self, name: str, operation: Operation) -> tuple[str, ...]:
        if operation is self.not_done:
            raise NotFound("configure one", code="model_not_found")
        return (name,)


def parse(operation: Operation, not_done: Operation | None = None, **changes: Any) -> Call:
    engine = cast(Engine, SimpleNamespace(plan=Plan(not_done)))
    return ROWS[operation].parse(engine, SCOPE, {**GOOD[operation], **changes}, ANN)


async def rendered(*steps: Chunk | Exception) -> Sent:
    sent = Sent()
    call = make_call(operation=Operation.SPEECH, stream=True)
    async with Pipeline((), FakeUpstream(*steps), Lines()).run(call) as answer:
        await native.render(call, answer, lambda: {"X-Ivy-Model": "m"}, sent)
    return sent


@pytest.mark.parametrize("operation", sorted(ROWS))
def test_a_body_becomes_a_call(operation: Operation) -> None:
    call = parse(operation, model="mine")
    assert (call.operation, call.surface, call.model, call.identity) == (operation, Surface.V1, "mine", ANN)
    assert call.params == {name: value for name, value in GOOD[operation].items() if name != "model"}
    assert call.stream is (operation is Operation.SPEECH)


def test_what_is_null_is_not_sent() -> None:
    assert parse(Operation.IMAGE_GENERATION, n=None, user=None, stream=None).params == {"prompt": "a"}
    assert parse(Operation.IMAGE_GENERATION, stream=True).stream


@pytest.mark.parametrize("operation", [Operation.MODERATION, Operation.IMAGE_GENERATION])
def test_without_a_model_the_first_that_can_is_asked(operation: Operation) -> None:
    assert parse(operation).model == "first"
    assert parse(operation, model=None).model == "first"


@pytest.mark.parametrize("operation", sorted(ROWS))
def test_where_no_model_can_the_caller_is_told(operation: Operation) -> None:
    with pytest.raises(NotFound, match="configure one"):
        parse(operation, not_done=operation)


@pytest.mark.parametrize("operation", sorted(ROWS))
def test_an_unknown_field_is_refused(operation: Operation) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(operation, api_base="http://evil")
    assert (caught.value.param, caught.value.code) == ("api_base", "unknown_parameter")


async def test_a_body_is_passed_on() -> None:
    sent = await rendered(Chunk({"body": {"results": [1]}}))
    assert (sent.json, sent.headers["x-ivy-model"]) == ({"results": [1]}, "m")


async def test_events_are_passed_on_by_their_names() -> None:
    steps = [Chunk({"event": {"type": f"speech.audio.{name}", "n": name}}) for name in ("delta", "done")]
    sent = await rendered(*steps)
    assert [(one.name, one.json["n"]) for one in events(sent.body.decode())] == [
        ("speech.audio.delta", "delta"),
        ("speech.audio.done", "done"),
    ]


async def test_a_stream_of_events_that_breaks_says_so() -> None:
    with pytest.raises(Unavailable):
        await rendered(Chunk({"event": {"type": "speech.audio.delta"}}), Unavailable("broke off"))


def audio(content: bytes) -> Chunk:
    return Chunk({"bytes": content, "content_type": "audio/mpeg"})


async def test_bytes_are_passed_on_with_their_kind() -> None:
    sent = await rendered(audio(b"ID3"), audio(b"more"))
    assert (sent.body, sent.headers["content-type"]) == (b"ID3more", "audio/mpeg")
    assert not sent.messages[-1].get("more_body", False)


async def test_bytes_that_break_off_have_no_end() -> None:
    sent = Sent()
    call = make_call(operation=Operation.SPEECH, stream=True)
    with pytest.raises(Unavailable):
        async with Pipeline((), FakeUpstream(audio(b"ID3"), Unavailable("broke off")), Lines()).run(call) as answer:
            await native.render(call, answer, dict, sent)
    assert [message.get("more_body") for message in sent.messages] == [None, True]
