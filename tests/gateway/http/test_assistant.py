from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import (
    Call,
    Chunk,
    GatewayError,
    Identity,
    InvalidRequest,
    Operation,
    Surface,
    Unavailable,
    UpstreamRejected,
)
from gateway.engine import Engine
from gateway.http import assistant
from gateway.http.assistant import Assistant
from gateway.pipeline import Pipeline
from gateway.settings.schema import GatewayConfig, Rollout
from gateway.tally import Tally
from tests.support.asgi import Lines, Sent, scope
from tests.support.fakes import PROPERTY, FakeUpstream, make_call, piece
from tests.support.sse import events

ANN = Identity("127.0.0.1", "ann")


def engine(percent: int = 100) -> Engine:
    config = GatewayConfig(rollout=Rollout(v2_percent=percent))
    return cast(Engine, SimpleNamespace(settings=SimpleNamespace(gateway=config)))


def parse(identity: Identity = ANN, accept: str = "*/*", percent: int = 100, **body: Any) -> Call:
    sent = scope(request_id="req_1", headers={"accept": accept})
    return assistant.parse(engine(percent), sent, {"query": "hello", **body}, identity)


def parse_v1(**body: Any) -> Call:
    sent = scope(request_id="req_1", headers={"accept": "text/event-stream"})
    return assistant.parse_v1(engine(), sent, {"query": "hello", **body}, ANN)


def test_a_question_becomes_a_call_of_the_primary() -> None:
    call = parse()
    assert (call.surface, call.operation, call.model) == (Surface.IVY, Operation.CHAT, "default")
    assert call.params == {"messages": [{"role": "user", "content": "hello"}]}
    assert (call.request_id, call.identity, call.stream) == ("req_1", ANN, False)
    assert call.question is not None and call.question.query == "hello"


def question(identity: Identity = ANN, **body: Any) -> Any:
    return parse(identity, **body).question


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


async def rendered(*steps: Chunk | Exception, stream: bool = False, tally: Tally | None = None) -> Sent:
    sent = Sent()
    call = make_call(surface=Surface.IVY, stream=stream)
    async with Pipeline((), FakeUpstream(*steps), Lines()).run(call) as answer:
        await Assistant(tally or Tally()).render(call, answer, lambda: {"X-Ivy-Model": "m"}, sent)
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


async def test_a_likely_modal_is_there_only_where_it_was_noted() -> None:
    modal = {"type": "risks", "payload": {}}
    assert "maybe_modal" not in (await rendered(piece("a"))).json
    assert (await rendered(Chunk.saying("", {"maybe_modal": modal}), piece("a"))).json["maybe_modal"] == modal


async def test_later_notes_win() -> None:
    first, second = Chunk({}, {"actions": ["first"], "sources": [{"title": "s"}]}), Chunk({}, {"actions": ["second"]})
    envelope = (await rendered(first, piece("a"), second)).json
    assert (envelope["actions"], envelope["sources"]) == (["second"], [{"title": "s"}])


@pytest.mark.parametrize("texts", [[], [""], [" ", "\n"], ["\u200b", "\u00a0\ufeff"]])
async def test_an_answer_is_never_empty(texts: list[str]) -> None:
    with pytest.raises(UpstreamRejected) as caught:
        await rendered(*(piece(text) for text in texts))
    assert (caught.value.status, caught.value.code) == (400, "content_policy_violation")


MODAL = {"type": "suggestions", "payload": {"modal_title": "Next"}}
MODAL_CHUNK = Chunk.saying("Next", {"modal": MODAL, "actions": ACTIONS, "modal_source": "context", "degraded": True})


async def test_the_modal_envelope() -> None:
    tally = Tally()
    sent = await rendered(MODAL_CHUNK, tally=tally)
    assert sent.json == {"kind": "modal", "actions": ACTIONS, "modal": MODAL}
    assert tally.report()["by_type"] == {"suggestions": 1}


async def test_the_events_of_a_modal_hold_no_text() -> None:
    found = events((await rendered(MODAL_CHUNK, stream=True)).body.decode())
    assert [(event.name, event.json) for event in found] == [
        ("meta", {"kind": "modal"}),
        ("done", {"kind": "modal", "actions": ACTIONS, "modal": MODAL}),
    ]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_no_provider_gave_is_marked_before_the_headers_go(stream: bool) -> None:
    call = make_call(surface=Surface.IVY, stream=stream)
    async with Pipeline((), FakeUpstream(MODAL_CHUNK), Lines()).run(call) as answer:
        sent = Sent()
        headers = lambda: {"degraded": str(call.trail.degraded)}  # noqa: E731
        await Assistant(Tally()).render(call, answer, headers, sent)
    assert sent.headers["degraded"] == "True"


async def test_only_what_was_rendered_is_counted() -> None:
    tally = Tally()
    await rendered(piece("a"), tally=tally)
    await rendered(piece("a"), stream=True, tally=tally)
    with pytest.raises(UpstreamRejected):
        await rendered(piece(" "), tally=tally)
    assert tally.report()["conversational"] == 2


async def legacy(*steps: Chunk, **changes: Any) -> Any:
    sent = Sent()
    call = make_call(surface=Surface.IVY, **changes)
    async with Pipeline((), FakeUpstream(*steps), Lines()).run(call) as answer:
        await Assistant(Tally()).render_v1(call, answer, dict, sent)
    return sent.json


async def test_the_legacy_shape() -> None:
    notes = Chunk.saying("", {"intent": "risks", "confidence": 0.7})
    assert await legacy(*CHUNKS, notes, identity=ANN) == {
        "answer_markdown": "Write to **Ann**.",
        "actions": ACTIONS,
        "sources": [{"title": "0"}, {"title": "1"}, {"title": "2"}],
        "confidence": 0.7,
        "intent": "risks",
        "session_id": ANN.session,
    }


async def test_the_legacy_shape_where_nothing_was_noted() -> None:
    made = await legacy(piece("a"))
    assert (made["intent"], made["confidence"], made["session_id"]) == ("general", 0.5, "req_1")
    assert (await legacy(piece("a"), identity=Identity("x", "ann", conversation="c1")))["session_id"] == "c1"


def test_a_legacy_caller_takes_no_modals_and_no_events() -> None:
    for capabilities in (None, [], ["modals"], ["modals", "toasts"]):
        call = parse_v1(ui_capabilities=capabilities)
        assert call.question is not None and not call.question.takes_modals
        assert not call.stream
    with pytest.raises(InvalidRequest) as caught:
        parse_v1(stream=True)
    assert caught.value.param == "stream"


def test_a_percentage_of_the_users_gets_all_of_v2_and_stays() -> None:
    users = [Identity("127.0.0.1", f"user-{number}") for number in range(1000)]

    def chosen(percent: int) -> set[str | None]:
        return {user.user for user in users if question(user, percent=percent).takes_modals}

    assert chosen(0) == set()
    assert len(chosen(100)) == 1000
    shares = [chosen(percent) for percent in (10, 30, 60)]
    assert shares[0] < shares[1] < shares[2]
    assert all(abs(len(share) - expected) < 60 for share, expected in zip(shares, (100, 300, 600), strict=True))
    assert question(percent=0, ui_capabilities=["modals", "toasts"]).ui_capabilities == {"toasts"}
    assert question(percent=0).ui_capabilities == frozenset()


async def test_the_events() -> None:
    found = events((await rendered(*CHUNKS, stream=True)).body.decode())
    assert [event.name for event in found] == ["meta", "delta", "delta", "done"]
    assert found[0].json == {"kind": "conversational"}
    assert found[-1].json == (await rendered(*CHUNKS)).json


@PROPERTY
@given(st.lists(st.text(max_size=10), min_size=1).map(lambda parts: [*parts, "."]))
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
            await Assistant(Tally()).render(call, answer, dict, sent)
    last = events(sent.body.decode())[-1]
    assert (last.name, last.json["error"]["code"]) == ("error", code)
    assert b"what the caller sent" not in sent.body


async def test_a_stream_that_is_refused_before_its_first_chunk_is_a_reply_with_a_status() -> None:
    sent = Sent()
    call = make_call(surface=Surface.IVY, stream=True)
    with pytest.raises(Unavailable):
        async with Pipeline((), FakeUpstream(Unavailable("none")), Lines()).run(call) as answer:
            await Assistant(Tally()).render(call, answer, dict, sent)
    assert sent.messages == []
