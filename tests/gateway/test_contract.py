from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from gateway import contract
from gateway.contract import Chunk, GatewayError, Identity, Policy, UpstreamRejected
from tests.support.fakes import collect, make_call


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"choices": [{"index": 0, "delta": {"content": "a"}}]}, "a"),
        ({"choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "a"}}]}, "a"),
        ({"choices": [{"index": 1, "delta": {"content": "b"}}]}, ""),
        ({"choices": [{"delta": {"content": "a"}}]}, "a"),
        ({"choices": [{"index": 0, "delta": {"content": None}}]}, ""),
        ({"choices": [{"index": 0, "delta": None}]}, ""),
        ({"choices": []}, ""),
        ({"choices": None}, ""),
        ({"data": [{"embedding": [1.0]}]}, ""),
    ],
)
def test_a_chunk_s_text_is_what_it_adds_to_the_first_choice(data: dict[str, Any], text: str) -> None:
    assert Chunk(data).text == text


IDENTITIES = [
    Identity("a"),
    Identity("a", user="a"),
    Identity("b", user="b"),
    Identity("b", user="b", org="a"),
    Identity("b", user="a", org="b"),
    Identity("b", user="address", org="a"),
    Identity("ab"),
    Identity("x", user="ab"),
    Identity("x", user="b", org="x"),
]


def test_no_two_callers_share_a_subject() -> None:
    assert len({identity.subject for identity in IDENTITIES}) == len(IDENTITIES)


def test_a_named_user_is_the_same_wherever_it_calls_from() -> None:
    assert Identity("1.1.1.1", "ann", "acme", "c1").subject == Identity("2.2.2.2", "ann", "acme").subject


def test_a_call_is_not_changed_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        make_call().model = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        make_call().learnt["x"] = 1  # type: ignore[index]


async def test_a_policy_that_overrides_nothing_changes_nothing() -> None:
    async def chunks() -> Any:
        yield Chunk({"choices": []})

    call, policy = make_call(), Policy()
    assert await policy.request(call) is call
    assert await collect(policy.response(call, chunks())) == [Chunk({"choices": []})]


ERRORS = [
    kind
    for kind in vars(contract).values()
    if isinstance(kind, type) and issubclass(kind, GatewayError) and kind is not UpstreamRejected
]
STATUS = {
    "GatewayError": 500,
    "InvalidRequest": 400,
    "Refusal": 403,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "PayloadTooLarge": 413,
    "UnsupportedMedia": 415,
    "RateLimited": 429,
    "InternalError": 500,
    "Unavailable": 503,
}


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_has_its_status_and_openai_s_body(kind: type[GatewayError]) -> None:
    error = kind("what to do", param="field")
    assert error.status == STATUS[kind.__name__]
    expected = {"message": "what to do", "param": "field", "type": kind.type, "code": kind.code}
    assert error.body() == {"error": expected}
    assert kind("m", code="own").body()["error"]["code"] == "own"


def test_a_provider_s_rejection_keeps_its_status_and_words() -> None:
    error = UpstreamRejected("too long", status=413, code="context_length_exceeded", param="messages")
    assert error.status == 413
    assert error.body()["error"]["code"] == "context_length_exceeded"
