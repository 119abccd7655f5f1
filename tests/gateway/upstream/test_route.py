from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import pytest

from gateway.upstream.candidates import Candidate
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import RULES, Failure, Kind
from gateway.upstream.route import NO_RESCUES, Rescues, Route
from tests.support.fakes import FakeLane, FakePicker, deployment

NO_WINDOWS: Mapping[str, int | None] = {}


def route(
    *chain: str,
    extra: Iterable[str] = (),
    windows: Mapping[str, int | None] = NO_WINDOWS,
    rescues: Rescues = NO_RESCUES,
    last: Iterable[str] = (),
) -> Route:
    """Groups of one deployment each; those of ``extra`` are in no chain."""
    picker = FakePicker(deployment(name, window=windows.get(name)) for name in (*chain, *extra))

    def admit(admitted: Deployment) -> Candidate:
        return Candidate(admitted, FakeLane(), None, lambda error: None)

    return Route(chain, picker, admit, rescues, frozenset(last).__contains__)


async def rest(made: Route) -> list[str]:
    found = []
    while (candidate := await made.next()) is not None:
        found.append(candidate.deployment.id)
    return found


WINDOWS = [
    (100, {"b": 50, "c": None, "d": 200}, ["c", "d"]),
    (100, {"b": 100}, []),
    (None, {"b": 50, "c": None}, ["b", "c"]),
]


@pytest.mark.parametrize(("window", "others", "asked"), WINDOWS)
async def test_what_was_too_long_is_asked_of_larger_or_unknown_windows_only(
    window: int | None, others: dict[str, int | None], asked: list[str]
) -> None:
    made = route("a", *others, windows={"a": window, **others})
    a = await made.next()
    assert a is not None and made.learn(a.deployment, Failure(Kind.TOO_LONG))
    assert await rest(made) == asked


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.TOO_LONG])
async def test_what_the_configuration_names_for_a_failure_is_asked_in_place_of_the_chain(
    kind: Kind,
) -> None:
    made = route("a", "b", extra=("c",), windows=dict.fromkeys("abc", 10), rescues={kind: {"a": ["c"]}})
    a = await made.next()
    assert a is not None and made.learn(a.deployment, Failure(kind))
    assert await rest(made) == ["c"]


@pytest.mark.parametrize("kind", Kind)
async def test_without_such_names_the_table_says_whether_another_is_asked(kind: Kind) -> None:
    assert route("a").learn(deployment("a"), Failure(kind)) == RULES[kind].fall_over


async def test_two_who_ask_at_the_same_time_get_different_deployments() -> None:
    made = route("a", "b")
    found = await asyncio.gather(made.next(), made.next(), made.next())
    assert [candidate and candidate.deployment.id for candidate in found] == ["a", "b", None]


async def test_what_is_kept_for_last_comes_again_once() -> None:
    made = route("a", "b")
    a = await made.next()
    assert a is not None
    made.keep_for_last(a.deployment)
    assert await rest(made) == ["b", "a"]


async def test_who_is_asked_last_is_still_the_first_choice() -> None:
    made = route("a", "b", last={"a"})
    assert await rest(made) == ["b", "a"]
    assert made.first == "a"
