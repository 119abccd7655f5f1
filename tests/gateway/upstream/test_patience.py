from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from gateway.contract import Call, Chunk, Operation, Surface
from gateway.settings.schema import RouteSeconds, Timeouts
from gateway.upstream.deployment import TICK
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.patience import Patience, complete, speaks
from tests.support.fakes import Source, collect, deployment, make_call, piece

STREAM, PLAIN = make_call(stream=True), make_call()
#: Longer than any test waits, where it is not what is tested.
LONG = 30.0
SHORT = 0.05


def timeouts(**changes: float) -> Timeouts:
    seconds = {"first_token_seconds": LONG, "between_tokens_seconds": LONG, "tail_seconds": LONG}
    routes = {f"{name}_seconds": RouteSeconds(v1=changes.pop(name, LONG), ivy=LONG) for name in ("attempt", "request")}
    return Timeouts(**{**seconds, **changes}, **routes)  # type: ignore[arg-type]


HERE = deployment("a")


async def guarded(call: Call, source: Source, **changes: float) -> list[Chunk]:
    """As it comes through the guard, where the provider does as the caller asks."""
    patience = Patience.of(call, timeouts(**changes))
    return await collect(patience.guard(call, HERE, source.chunks(), streams=call.stream))


async def gathered(source: Source, **changes: float) -> list[Chunk]:
    """The same, where the provider streams what the caller does not."""
    patience = Patience.of(PLAIN, timeouts(**changes))
    return await collect(patience.guard(PLAIN, HERE, source.chunks(), streams=True))


@pytest.mark.parametrize(
    ("call", "changes", "steps", "kind"),
    [
        (STREAM, {"first_token_seconds": SHORT}, (LONG,), Kind.SILENT),
        (STREAM, {"first_token_seconds": SHORT}, (piece(role="assistant"), LONG), Kind.SILENT),
        (STREAM, {"first_token_seconds": SHORT}, (piece(" \n"), LONG), Kind.SILENT),
        (STREAM, {"between_tokens_seconds": SHORT}, (piece("a"), LONG), Kind.STALLED),
        (STREAM, {"between_tokens_seconds": SHORT}, (piece("a"), piece("b"), LONG), Kind.STALLED),
        (STREAM, {"request": SHORT}, (LONG,), Kind.DEADLINE),
        (STREAM, {"request": SHORT}, (piece("a"), LONG), Kind.DEADLINE),
        (PLAIN, {"attempt": SHORT}, (LONG,), Kind.SLOW),
        (PLAIN, {"request": SHORT}, (LONG,), Kind.DEADLINE),
    ],
)
async def test_what_does_not_come_in_time_fails(
    call: Call, changes: dict[str, float], steps: tuple[Any, ...], kind: Kind
) -> None:
    source = Source(*steps)
    with pytest.raises(Failure) as caught:
        await asyncio.wait_for(guarded(call, source, **changes), LONG / 2)
    assert caught.value.kind is kind
    assert source.closed == 1


@pytest.mark.parametrize(
    ("call", "changes", "steps"),
    [
        (STREAM, {"between_tokens_seconds": 0.001}, (SHORT, piece("a"))),
        (STREAM, {"first_token_seconds": 1.0}, (piece("a"), 1.2, piece("b"))),
        (STREAM, {"tail_seconds": 0.001}, (piece("a"), SHORT, piece("b"))),
        (PLAIN, {"first_token_seconds": 0.001}, (SHORT, piece("a"))),
    ],
)
async def test_each_part_has_its_own_limit(call: Call, changes: dict[str, float], steps: tuple[Any, ...]) -> None:
    assert await guarded(call, Source(*steps), **changes) == [step for step in steps if isinstance(step, Chunk)]


@pytest.mark.parametrize("changes", [{"tail_seconds": SHORT}, {"request": 0.2}])
async def test_an_answer_that_is_whole_is_not_lost_for_want_of_its_tail(changes: dict[str, float]) -> None:
    chunks = [piece("a"), piece(finish="stop")]
    source = Source(*chunks, LONG)
    assert await asyncio.wait_for(guarded(STREAM, source, **changes), LONG / 2) == chunks
    assert source.closed == 1


async def test_what_follows_the_finish_reason_in_time_is_passed_on() -> None:
    chunks = [piece("a", "stop"), Chunk({"choices": [], "usage": {"total_tokens": 3}})]
    assert await guarded(STREAM, Source(chunks[0], 0.01, chunks[1])) == chunks


WHOLE = piece("all of it", "stop")


@pytest.mark.parametrize(
    ("changes", "steps", "kind"),
    [
        ({"first_token_seconds": SHORT}, (LONG,), Kind.SILENT),
        ({"between_tokens_seconds": SHORT}, (TICK, LONG), Kind.STALLED),
        ({"between_tokens_seconds": SHORT}, (TICK, TICK, LONG), Kind.STALLED),
        ({"attempt": SHORT}, (TICK, LONG), Kind.SLOW),
        ({"attempt": SHORT}, (LONG,), Kind.SLOW),
        ({"request": SHORT}, (TICK, LONG), Kind.DEADLINE),
        ({"between_tokens_seconds": 1.0}, (TICK, 0.5, TICK, 0.7, WHOLE), None),
        ({"first_token_seconds": 1.0}, (TICK, 1.2, WHOLE), None),
        ({"tail_seconds": SHORT}, (TICK, WHOLE, LONG), None),
    ],
)
async def test_a_reply_that_is_gathered_is_guarded_as_a_stream_and_as_a_whole(
    changes: dict[str, float], steps: tuple[Any, ...], kind: Kind | None
) -> None:
    coming = asyncio.wait_for(gathered(Source(*steps), **changes), LONG / 2)
    if kind is None:
        assert [chunk for chunk in await coming if chunk is not TICK] == [WHOLE]
        return
    with pytest.raises(Failure) as caught:
        await coming
    assert caught.value.kind is kind


async def test_once_the_usage_has_come_nothing_more_is_waited_for() -> None:
    chunks = [piece("a"), piece(finish="stop"), Chunk({"choices": [], "usage": {"total_tokens": 3}})]
    assert await asyncio.wait_for(guarded(STREAM, Source(*chunks, LONG)), LONG / 2) == chunks


@pytest.mark.parametrize(
    ("call", "limits", "kind"),
    [
        (STREAM, {"first_token_seconds": SHORT}, Kind.SILENT),
        (PLAIN, {"attempt_seconds": SHORT}, Kind.SLOW),
    ],
)
async def test_a_deployment_s_own_limits_win(call: Call, limits: dict[str, float], kind: Kind) -> None:
    patience = Patience.of(call, timeouts())
    chunks = patience.guard(call, deployment("a", **limits), Source(LONG).chunks(), streams=call.stream)
    with pytest.raises(Failure) as caught:
        await asyncio.wait_for(collect(chunks), LONG / 2)
    assert caught.value.kind is kind


async def test_a_drip_of_empty_chunks_is_silence() -> None:
    drip = [step for _ in range(100) for step in (piece(role="assistant"), 0.02)]
    with pytest.raises(Failure) as caught:
        await guarded(STREAM, Source(*drip), first_token_seconds=0.2, request=1.0)
    assert caught.value.kind is Kind.SILENT


async def test_a_choice_that_ends_is_not_the_end_of_the_others() -> None:
    chunks = [piece("a"), piece("b", index=1), piece(finish="stop"), piece("c", "stop", index=1)]
    call = make_call(stream=True, params={**STREAM.params, "n": 2})
    source = Source(*chunks[:3], 0.2, chunks[3])
    assert await guarded(call, source, tail_seconds=SHORT) == chunks


async def test_the_deadline_holds_where_chunks_are_always_ready() -> None:
    async def ready() -> AsyncGenerator[Chunk, None]:
        while True:
            yield piece("a")

    patience = Patience.of(STREAM, timeouts(request=SHORT))
    with pytest.raises(Failure) as caught:
        async for _ in patience.guard(STREAM, HERE, ready(), streams=True):
            pass
    assert caught.value.kind is Kind.DEADLINE


@pytest.mark.parametrize("error", [Failure(Kind.CUT), RuntimeError("a bug")])
async def test_the_lane_s_own_errors_pass(error: Exception) -> None:
    source = Source(piece("a"), error)
    with pytest.raises(type(error)) as caught:
        await guarded(STREAM, source)
    assert caught.value is error
    assert source.closed == 1


async def test_closing_closes_the_lane() -> None:
    source = Source(piece("a"), piece("b"))
    chunks = Patience.of(STREAM, timeouts()).guard(STREAM, HERE, source.chunks(), streams=True)
    await anext(chunks)
    await chunks.aclose()
    assert source.closed == 1


async def test_an_outside_cancellation_is_no_timeout() -> None:
    source = Source(LONG)
    task = asyncio.create_task(guarded(STREAM, source))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.closed == 1


async def test_each_surface_has_its_own_time() -> None:
    settings = Timeouts(
        attempt_seconds=RouteSeconds(v1=60, ivy=8),
        request_seconds=RouteSeconds(v1=120, ivy=20),
    )
    for surface, attempt, total in ((Surface.V1, 60, 120), (Surface.IVY, 8, 20)):
        patience = Patience.of(make_call(surface=surface), settings)
        assert patience.attempt == attempt
        assert total - 1 < patience.left <= total


@pytest.mark.parametrize(
    ("chunk", "says"),
    [
        (piece("a"), True),
        (piece(""), False),
        (piece(" \n\t"), False),
        (piece(role="assistant"), False),
        (piece(role="assistant", content=None, tool_calls=None, refusal=None), False),
        (piece(tool_calls=[{"index": 0}]), True),
        (piece(refusal="no"), True),
        (piece(reasoning_content="hm"), True),
        (piece(finish="stop"), False),
        (piece("a", index=1), True),
        (Chunk({"choices": []}), False),
        (Chunk({"choices": [], "usage": {"total_tokens": 1}}), False),
        (Chunk({"choices": [{"index": 0, "delta": None}]}), False),
        (Chunk({"data": [{"embedding": [1.0]}]}), True),
    ],
)
def test_whether_a_chunk_says_something(chunk: Chunk, says: bool) -> None:
    assert speaks(chunk) is says


@pytest.mark.parametrize(
    ("operation", "finish", "ends"),
    [
        (Operation.CHAT, None, False),
        (Operation.CHAT, "stop", False),
        (Operation.CHAT, "length", True),
        (Operation.CHAT, "content_filter", True),
        (Operation.EMBEDDING, None, True),
    ],
)
def test_an_answer_may_be_empty_only_where_it_was_cut(operation: Operation, finish: str | None, ends: bool) -> None:
    assert complete(make_call(operation=operation), piece(finish=finish)) is ends


def test_a_text_to_stop_at_may_come_at_once() -> None:
    messages = [{"role": "user", "content": "a"}]
    assert complete(make_call(params={"messages": messages, "stop": ["Answer"]}), piece(finish="stop"))
    assert not complete(make_call(params={"messages": messages, "stop": []}), piece(finish="stop"))


def test_an_event_says_something_unless_it_only_begins() -> None:
    assert not speaks(Chunk({"event": {"type": "response.created"}}))
    assert not complete(make_call(operation=Operation.RESPONSES), Chunk({"event": {"type": "response.created"}}))
    assert speaks(Chunk({"event": {"type": "response.output_text.delta"}}))
    assert speaks(Chunk({"body": {}})) and speaks(Chunk({"bytes": b"a"}))


@pytest.mark.parametrize(
    ("seconds", "share", "stream", "kind"),
    [
        (SHORT, 0.5, False, Kind.HURRIED),
        (SHORT, 0.5, True, Kind.DEADLINE),
        (2 * LONG, 1.0, False, None),
        (None, 0.5, False, None),
    ],
)
async def test_a_policy_s_hurry_is_no_fault_of_the_provider_s(
    seconds: float | None, share: float, stream: bool, kind: Kind | None
) -> None:
    call = make_call(stream=stream, seconds=seconds)
    patience = Patience.of(call, timeouts(), share)
    if kind is None:
        assert (patience.attempt, patience.hurried) == (LONG, False)
        return
    assert patience.left <= SHORT
    with pytest.raises(Failure) as caught:
        await collect(patience.guard(call, HERE, Source(LONG).chunks(), streams=call.stream))
    assert caught.value.kind is kind
    assert not caught.value.rule.counts


async def test_a_hurried_attempt_leaves_time_for_the_next() -> None:
    patience = Patience.of(make_call(seconds=6.0), timeouts(), 2 / 3)
    assert patience.attempt == pytest.approx(4.0)
    assert 5 < patience.left <= 6
    assert Patience.of(make_call(seconds=6.0), timeouts(attempt=3.0), 2 / 3).attempt == 3.0


@pytest.mark.parametrize(
    ("only", "attempt"), [(None, 4.0), (frozenset({"a", "b"}), 4.0), (frozenset({"a"}), 6.0)], ids=["any", "two", "one"]
)
async def test_nothing_of_a_caller_s_time_is_kept_for_a_next_model_that_there_is_not(
    only: frozenset[str] | None, attempt: float
) -> None:
    patience = Patience.of(make_call(seconds=6.0, only=only), timeouts(), 2 / 3)
    assert patience.attempt == pytest.approx(attempt)
    assert 5.5 < patience.left <= 6.0
