from __future__ import annotations

import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import Call, Chunk, GatewayError, Identity, Operation, Surface, Unavailable, UpstreamRejected
from gateway.engine import Engine
from gateway.http import assistant
from gateway.pipeline import Pipeline
from tests.support.asgi import Lines, Sent, scope
from tests.support.fakes import PROPERTY, FakeUpstream, make_call, piece
from tests.support.sse import events

ANN = Identity("127.0.0.1", "ann")
NO_ENGINE = cast(Engine, None)


def parse(identity: Identity = ANN, accept: str = "*/*", **body: Any) -> Call:
    sent = scope(request_id="req_1", headers={"accept": accept})
    return assistant.parse(NO_ENGINE, sent, {"query": "hello", **body}, identity)


def test_a_question_becomes_a_call_of_the_primary() -> None:
    call = parse()
    assert (call.surface, call.operation, call.model) == (Surface.IVY, Operation.CHAT, "default")
    assert call.params == {"messages": [{"role": "user", "content": "hello"}]}
    assert (call.request_id, call.identity, call.stream) == ("req_1", ANN, False)
    assert call.question is not None and call.question.query == "hello"


def question(**body: Any) -> Any:
    return parse(**body).question


def test_capabilities_that_are_not_sent_are_not_an_empty_list() -> None:
    assert question().ui_capabilities is None
    assert question(ui_capabilities=None).ui_capabilities is None
    assert question(ui_capabilities=[]).ui_capabilities == frozenset()
    assert question(ui_capabilities=["modals"]).ui_capabilities == {"modals"}


def test_the_context_goes_along_as_it_is() -> None:
    context = {"lead": {"name": "Ann", "leadScore": 7}, "current_page": "x", "odd": [1]}
    assert question(context=context).context == context
    assert question(context=None).context == {}


def test_the_conversation_is_the_header_s_or_the_context_s() -> None:
    context = {"conversation_id": "c1"}
    assert parse(context=context).identity == Identity("127.0.0.1", "ann", conversation="c1")
    named = Identity("127.0.0.1", "ann", conversation="c0")
    assert parse(named, context=context).identity.conversation == "c0"


@pytest.mark.parametrize(
    ("accept", "stream", "streams"),
    [
        ("*/*", None, False),
        ("*/*", True, True),
        ("*/*", False, False),
        ("application/json", None, False),
        ("text/event-stream", None, True),
        ("application/json, text/event-stream", None, True),
    ],
)
def test_a_stream_is_asked_for_in_the_body_or_by_the_header(accept: str, stream: bool | None, streams: bool) -> None:
    assert parse(accept=accept, stream=stream).stream is streams


ACTIONS = [{"label": "Send email", "action": "open_email_composer"}]
CHUNKS = [
    piece("Write "),
    piece("to **Ann**."),
    Chunk({"choices": []}, {"actions": ACTIONS, "sources": [{"title": str(number)} for number in range(5)]}),
]


async def rendered(*steps: Chunk | Exception, stream: bool = False) -> Sent:
    sent = Sent()
    call = make_call(surface=Surface.IVY, stream=stream)
    async with Pipeline((), FakeUpstream(*steps), Lines()).run(call) as answer:
        await assistant.render(answer, {"X-Ivy-Model": "m"}, sent)
    return sent


async def test_the_envelope() -> None:
    sent = await rendered(*CHUNKS)
    assert sent.json == {
        "kind": "conversational",
        "answer_markdown": "Write to **Ann**.",
        "actions": ACTIONS,
        "sources": [{"title": "0"}, {"title": "1"}, {"title": "2"}],
    }
    assert sent.headers["x-ivy-model"] == "m"


def test_a_likely_modal_is_there_only_where_it_was_noted() -> None:
    modal = {"type": "risks", "payload": {}}
    assert "maybe_modal" not in assistant.envelope([piece("a")])
    assert assistant.envelope([Chunk({"choices": []}, {"maybe_modal": modal}), piece("a")])["maybe_modal"] == modal


def test_later_notes_win() -> None:
    first, second = Chunk({}, {"actions": ["first"], "sources": ["s"]}), Chunk({}, {"actions": ["second"]})
    envelope = assistant.envelope([first, piece("a"), second])
    assert (envelope["actions"], envelope["sources"]) == (["second"], ["s"])


@pytest.mark.parametrize("texts", [[], [""], [" ", "\n"]])
def test_an_answer_is_never_empty(texts: list[str]) -> None:
    with pytest.raises(UpstreamRejected) as caught:
        assistant.envelope([piece(text) for text in texts])
    assert (caught.value.status, caught.value.code) == (400, "content_policy_violation")


async def test_the_events() -> None:
    found = events((await rendered(*CHUNKS, stream=True)).body.decode())
    assert [event.name for event in found] == ["meta", "delta", "delta", "done"]
    assert found[0].json == {"kind": "conversational"}
    assert found[-1].json == (await rendered(*CHUNKS)).json


@PROPERTY
@given(st.lists(st.text(max_size=10), min_size=1).filter(lambda parts: "".join(parts).strip() != ""))
async def test_the_deltas_together_are_the_answer(parts: list[str]) -> None:
    body = (await rendered(*(piece(part) for part in parts), stream=True)).body.decode()
    data = [json.loads(line.removeprefix("data: ")) for line in body.split("\n") if line.startswith("data: ")]
    assert "".join(one.get("text", "") for one in data) == data[-1]["answer_markdown"] == "".join(parts)


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ((piece("a"), Unavailable("broke off", code="stream_broken")), "stream_broken"),
        ((piece(" "),), "content_policy_violation"),
        ((piece("a"), RuntimeError("what the caller sent")), "internal_error"),
    ],
)
async def test_a_stream_that_breaks_ends_with_an_error_and_not_with_done(steps: Any, code: str) -> None:
    sent = Sent()
    call = make_call(surface=Surface.IVY, stream=True)
    with pytest.raises((GatewayError, RuntimeError)):
        async with Pipeline((), FakeUpstream(*steps), Lines()).run(call) as answer:
            await assistant.render(answer, {}, sent)
    last = events(sent.body.decode())[-1]
    assert (last.name, last.json["error"]["code"]) == ("error", code)
    assert b"what the caller sent" not in sent.body


async def test_a_stream_that_is_refused_before_its_first_chunk_is_a_reply_with_a_status() -> None:
    sent = Sent()
    call = make_call(surface=Surface.IVY, stream=True)
    with pytest.raises(Unavailable):
        async with Pipeline((), FakeUpstream(Unavailable("none")), Lines()).run(call) as answer:
            await assistant.render(answer, {}, sent)
    assert sent.messages == []
