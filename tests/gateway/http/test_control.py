from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.contract import Call, Forbidden, InvalidRequest, NotFound, Operation, Surface
from gateway.engine import Engine
from gateway.http.control import allowed, controlled, first, shown, told
from gateway.settings.keys import Key
from gateway.settings.schema import GatewayConfig
from tests.support.asgi import scope
from tests.support.fakes import make_call

CHAINS = {"a": ("a", "b", "c"), "b": ("b",), "c": ("c", "a"), "default": ("a", "b", "c")}


def engine(local: str | None = None) -> Engine:
    chains = {name: (*chain, local) if local else chain for name, chain in CHAINS.items()}

    def chain(name: str, operation: Operation) -> tuple[str, ...]:
        return tuple(g for g in chains[name] if g != "a") if operation is Operation.EMBEDDING else chains[name]

    plan = SimpleNamespace(chains=chains, chain=chain, primary="a", local=local)
    return cast(Engine, SimpleNamespace(plan=plan, settings=SimpleNamespace(gateway=GatewayConfig())))


def key(*models: str) -> Key:
    return Key(name="crm", hash=f"sha256:{'0' * 64}", models=models or None)


def made(call: Call | None = None, of: Key | None = None, /, made_of: Engine | None = None, **headers: str) -> Call:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return controlled(made_of or engine(), scope(headers=sent, key=of), call or make_call())


def test_without_a_key_s_models_and_headers_a_call_is_as_it_was() -> None:
    call = make_call()
    assert made(call) is call
    assert made(call, key()) is call
    assert made(call, x_request_id="1") is call


@pytest.mark.parametrize(
    ("models", "model", "only"),
    [
        (("a",), "a", frozenset({"a"})),
        (("a", "b"), "a", frozenset({"a", "b"})),
        (("default",), "default", frozenset({"a"})),
        (("default",), "a", frozenset({"a"})),
        (("a",), "default", frozenset({"a"})),
        (("b", "default"), "b", frozenset({"a", "b"})),
    ],
)
def test_only_the_key_s_models_are_asked(models: tuple[str, ...], model: str, only: frozenset[str]) -> None:
    assert made(make_call(model=model), key(*models)).only == only


@pytest.mark.parametrize(
    ("models", "model"), [(("b",), "a"), (("b",), "default"), (("default",), "c"), (("b", "c"), "a")]
)
def test_another_model_is_refused_with_those_that_are_not(models: tuple[str, ...], model: str) -> None:
    with pytest.raises(Forbidden) as caught:
        made(make_call(model=model), key(*models))
    assert (caught.value.status, caught.value.code, caught.value.param) == (403, "model_not_allowed", "model")
    assert caught.value.message.endswith(f"it may use: {', '.join(sorted(m.replace('default', 'a') for m in models))}.")


def test_where_no_model_of_the_key_can_do_it_nobody_is_asked() -> None:
    with pytest.raises(Forbidden):
        made(make_call(model="default", operation=Operation.EMBEDDING), key("default"))


def test_the_local_model_stands_in_for_any() -> None:
    local = engine("local/small")
    assert allowed(local, key("b")) == frozenset({"b", "local/small"})
    assert made(make_call(model="b"), key("b"), made_of=local).only == frozenset({"b", "local/small"})


@pytest.mark.parametrize(
    ("models", "names"), [((), ["a", "b", "c", "default"]), (("b",), ["b"]), (("default", "c"), ["a", "c", "default"])]
)
def test_a_key_is_shown_its_models(models: tuple[str, ...], names: list[str]) -> None:
    assert [name for name in CHAINS if shown(engine(), key(*models), name)] == names
    assert all(shown(engine(), None, name) for name in CHAINS)


@pytest.mark.parametrize(
    ("model", "only"), [("default", frozenset({"a"})), ("a", frozenset({"a"})), ("c", frozenset({"c"}))]
)
def test_without_fallbacks_the_model_is_alone(model: str, only: frozenset[str]) -> None:
    assert made(make_call(model=model), x_ivy_disable_fallbacks="true").only == only
    assert made(make_call(model=model), x_ivy_disable_fallbacks=" TRUE ").only == only
    assert made(make_call(model=model), x_ivy_disable_fallbacks="false").only is None
    assert made(make_call(model=model), key("a", "b", "c"), x_ivy_disable_fallbacks="true").only == only


@pytest.mark.parametrize(
    ("surface", "value", "seconds"),
    [(Surface.V1, "2.5", 2.5), (Surface.V1, "120", 120), (Surface.V1, "0.1", 0.1), (Surface.IVY, " 20 ", 20)],
)
def test_a_timeout_is_in_seconds(surface: Surface, value: str, seconds: float) -> None:
    assert made(make_call(surface=surface), x_ivy_timeout=value).seconds == seconds


def test_a_timeout_never_lengthens() -> None:
    assert made(make_call(seconds=1.0), x_ivy_timeout="5").seconds == 1.0
    assert made(make_call(seconds=9.0), x_ivy_timeout="5").seconds == 5.0


WRONG: list[tuple[str, str]] = [
    ("X-Ivy-Timeout", value) for value in ("", "0", "0.09", "121", "-1", "nan", "inf", "2s", "1e9", "1_0")
] + [(name, value) for name in ("X-Ivy-Disable-Fallbacks", "X-Ivy-No-Cache") for value in ("", "1", "yes", "truee")]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_told_by_its_header(name: str, value: str) -> None:
    raw: Any = scope()
    raw["headers"] = [(name.lower().encode(), value.encode())]
    with pytest.raises(InvalidRequest) as caught:
        controlled(engine(), raw, make_call())
    assert (caught.value.param, name in caught.value.message) == (name, True)


def test_no_cache_is_taken_and_changes_nothing() -> None:
    call = make_call()
    assert made(call, x_ivy_no_cache="true") == call


def test_without_fallbacks_no_other_model_does_what_the_one_can_not() -> None:
    embedding = make_call(model="a", operation=Operation.EMBEDDING)
    with pytest.raises(InvalidRequest, match="'a' can't do embedding itself") as caught:
        made(embedding, x_ivy_disable_fallbacks="true")
    assert caught.value.param == "X-Ivy-Disable-Fallbacks"
    with pytest.raises(InvalidRequest):
        made(embedding, key("a", "c"), x_ivy_disable_fallbacks="true")
    assert made(make_call(model="b"), key("b", "c"), x_ivy_disable_fallbacks="true").only == frozenset({"b"})


def test_who_may_use_some_models_is_told_of_no_others() -> None:
    unknown = NotFound("there are: a, b, c", code="model_not_found", param="model")
    asked = scope(key=key("a", "b"))
    error = told(engine(), asked, unknown)
    assert (error.message, error.code, error.param) == (
        "There is no such model for this key; it may use: a, b.",
        "model_not_found",
        "model",
    )
    assert told(engine(), scope(key=key()), unknown) is unknown
    path = NotFound("no such path")
    assert told(engine(), asked, path) is path


def test_a_request_that_names_no_model_gets_one_of_the_key_s() -> None:
    asked: list[Any] = []
    made_of = engine()

    def first_of(operation: Operation, among: Any) -> str:
        asked.append(among)
        return "b"

    object.__setattr__(made_of.plan, "first", first_of)
    assert first(made_of, scope(key=key("b")), Operation.MODERATION) == "b"
    first(made_of, scope(), Operation.MODERATION)
    assert asked == [frozenset({"b"}), None]
