from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.requests import Request

from gateway.contract import Forbidden, GatewayError, Identity, InvalidRequest, Owner, Turn
from gateway.engine import Engine
from gateway.http.memory import MemoryRoutes
from tests.support.asgi import scope
from tests.support.policies import FakeMemory

ANN = Identity("127.0.0.1", "ann", "acme")
NOBODY = Identity("127.0.0.1")


async def memory() -> FakeMemory:
    made = FakeMemory()
    for owner, words in (
        (Owner("acme", "ann"), "of ann"),
        (Owner("", "ann"), "of another ann"),
        (Owner("", "bob"), "of bob"),
    ):
        await made.remember(owner, "c1", Turn(f"asked {words}", f"said {words}"), 1)
    return made


async def call(made: FakeMemory, what: str, query: str = "", identity: Identity = ANN, **more: Any) -> dict[str, Any]:
    sent = scope("GET", "/ai/memory", identity=identity, **{"query_string": query.encode(), **more})
    routes = MemoryRoutes(lambda: cast(Engine, SimpleNamespace(memory=made)))
    response = await getattr(routes, what)(Request(sent))
    body: dict[str, Any] = json.loads(bytes(response.body))
    return body


async def test_a_user_sees_what_is_kept_and_nobody_else_s() -> None:
    turns = [{"user": "asked of ann", "assistant": "said of ann"}]
    assert await call(await memory(), "show") == {
        "user": "ann",
        "org": "acme",
        "conversations": [{"id": "c1", "idle_seconds": 0.0, "turns": turns}],
    }


async def test_a_user_is_forgotten_and_nobody_else() -> None:
    made = await memory()
    assert await call(made, "forget") == {"user": "ann", "org": "acme", "forgotten": 1}
    assert await call(made, "forget") == {"user": "ann", "org": "acme", "forgotten": 0}
    assert (await call(made, "show"))["conversations"] == []
    assert len(made.turns) == 2


async def test_the_administrator_may_name_a_user() -> None:
    made = await memory()
    shown = await call(made, "show", "user=bob", NOBODY, administrator=True)
    assert shown["conversations"][0]["turns"][0]["user"] == "asked of bob"
    assert await call(made, "forget", "user=ann&org=acme", NOBODY, administrator=True) == {
        "user": "ann",
        "org": "acme",
        "forgotten": 1,
    }
    assert {owner for owner, _ in made.turns} == {Owner("", "ann"), Owner("", "bob")}


@pytest.mark.parametrize("what", ["show", "forget"])
@pytest.mark.parametrize(
    ("query", "identity", "administrator", "error", "param"),
    [
        ("", NOBODY, False, InvalidRequest, "X-User-ID"),
        ("", NOBODY, True, InvalidRequest, "X-User-ID"),
        ("user=bob", ANN, False, Forbidden, "user"),
        ("org=acme", ANN, False, Forbidden, "user"),
        ("org=acme", ANN, True, InvalidRequest, "user"),
        ("user=", ANN, True, InvalidRequest, "user"),
        ("user=b%00b", ANN, True, InvalidRequest, "user"),
        ("usr=bob", ANN, True, InvalidRequest, "usr"),
        ("conversation=c1", ANN, False, InvalidRequest, "conversation"),
    ],
)
async def test_whose_memory_is_not_clear_or_not_theirs(
    what: str, query: str, identity: Identity, administrator: bool, error: type[GatewayError], param: str
) -> None:
    made = await memory()
    with pytest.raises(error) as caught:
        await call(made, what, query, identity, administrator=administrator)
    assert caught.value.param == param
    assert len(made.turns) == 3
