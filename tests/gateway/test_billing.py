from __future__ import annotations

from typing import Any

import pytest

from gateway.billing import Meter, Price, Used
from gateway.contract import Call, Chunk, Operation, Spent
from tests.support.fakes import make_call, piece

PRICE = Price(input_token=0.001, cached_token=0.0001, output_token=0.01)
TEXT = "x" * 400


@pytest.mark.parametrize(
    ("price", "used", "cost"),
    [
        (PRICE, Used(prompt=100, completion=10), 0.2),
        (PRICE, Used(prompt=100, cached=60, completion=10), 0.146),
        (Price(input_token=0.001), Used(prompt=100, cached=60, completion=10), 0.1),
        (Price(input_token=0.0, output_token=0.0), Used(prompt=100, completion=10), 0.0),
        (Price(output_image=0.04), Used(images=3), 0.12),
        (Price(output_image=0.04, output_token=0.01), Used(completion=10, images=3), 0.1),
        (Price(input_character=0.001), Used(characters=50), 0.05),
        (Price(input_second=0.001, input_token=0.1), Used(seconds=2.5), 0.0025),
        (Price(input_second=0.001, input_token=0.1), Used(prompt=5, seconds=2.5), 0.5),
        (Price(), Used(prompt=100, completion=10), None),
        (Price(output_image=0.04), Used(prompt=100), None),
    ],
)
def test_what_was_used_is_paid_by_its_price(price: Price, used: Used, cost: float | None) -> None:
    assert price.of(used) == (None if cost is None else pytest.approx(cost))


def spent(*chunks: Chunk | None, call: Call | None = None, price: Price | None = PRICE) -> Spent | None:
    """What an attempt used that said these chunks; None stands for a sign of life."""
    meter = Meter(call or make_call(params={"messages": [{"role": "user", "content": TEXT}]}))
    for chunk in chunks:
        if chunk is None:
            meter.tick()
        else:
            meter.note(chunk)
    return meter.spent("m", price)


def usage(**counts: Any) -> Chunk:
    return Chunk({"choices": [], "usage": counts})


def test_the_provider_s_count_is_what_was_used() -> None:
    counted = usage(prompt_tokens=100, completion_tokens=10, prompt_tokens_details={"cached_tokens": 60})
    assert spent(piece("hello"), counted, price=Price(input_token=1.0)) == Spent("m", 100, 60, 10, 100.0)


def test_the_last_count_is_the_one() -> None:
    found = spent(usage(prompt_tokens=100, completion_tokens=1), usage(prompt_tokens=100, completion_tokens=9))
    assert found is not None and found.completion_tokens == 9


def test_what_nobody_counted_is_estimated_by_its_text() -> None:
    found = spent(piece(role="assistant"), piece("y" * 100), piece("z" * 100))
    assert found is not None
    assert (found.completion_tokens, found.estimated) == (50, True)
    assert 100 <= found.prompt_tokens <= 110
    assert found.cost_usd == pytest.approx(0.001 * found.prompt_tokens + 0.5)


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "y" * 400},
        {"refusal": "y" * 400},
        {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "y" * 400}}]},
        {"role": "assistant", "content": "y" * 400},
    ],
    ids=list,
)
def test_whatever_is_said_counts(delta: dict[str, Any]) -> None:
    found = spent(Chunk({"choices": [{"index": 0, "delta": delta}]}))
    assert found is not None and found.completion_tokens == 100


def test_a_reply_that_is_kept_back_is_estimated_by_its_signs_of_life() -> None:
    few, many = spent(None), spent(*[None] * 10)
    assert few is not None and many is not None
    assert 0 < few.completion_tokens < many.completion_tokens


def test_what_never_began_used_nothing() -> None:
    assert spent() is None


@pytest.mark.parametrize(
    "counts",
    [
        "many",
        {"prompt_tokens": "100"},
        {"prompt_tokens": -5, "completion_tokens": True},
        7,
        {"prompt_tokens": 9 * 10**18},
    ],
)
def test_a_count_that_is_none_is_not_believed(counts: Any) -> None:
    found = spent(piece("y" * 40), Chunk({"choices": [], "usage": counts}))
    assert found is not None and found.estimated


def test_without_a_price_there_is_no_cost() -> None:
    found = spent(usage(prompt_tokens=100, completion_tokens=10), price=None)
    assert found is not None and found.cost_usd is None


def test_an_embedding_s_usage_counts() -> None:
    call = make_call(operation=Operation.EMBEDDING, params={"input": TEXT})
    body = Chunk({"object": "list", "data": [{"embedding": [1.0]}], "usage": {"prompt_tokens": 8, "total_tokens": 8}})
    assert spent(body, call=call, price=Price(input_token=1.0)) == Spent("m", 8, 0, 0, 8.0)


@pytest.mark.parametrize(
    "data",
    [
        {"body": {"usage": {"input_tokens": 8, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 4}}}},
        {
            "event": {
                "type": "response.completed",
                "response": {
                    "usage": {"input_tokens": 8, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 4}}
                },
            }
        },
    ],
    ids=["a body", "an event"],
)
def test_a_native_reply_s_usage_counts(data: dict[str, Any]) -> None:
    call = make_call(operation=Operation.EMBEDDING, params={"input": TEXT})
    found = spent(Chunk(data), call=call)
    assert found is not None
    assert (found.prompt_tokens, found.cached_tokens, found.completion_tokens, found.estimated) == (8, 4, 2, False)


def test_a_native_stream_that_was_left_is_estimated_by_its_text() -> None:
    call = make_call(operation=Operation("responses"), params={"input": TEXT})
    event = {"event": {"type": "response.output_text.delta", "delta": "y" * 40}}
    found = spent(Chunk(event), Chunk(event), call=call)
    assert found is not None
    assert (found.completion_tokens, found.estimated, found.prompt_tokens >= 100) == (20, True, True)
