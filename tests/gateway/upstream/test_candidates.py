from __future__ import annotations

from typing import Any

import pytest

from gateway.contract import Operation
from gateway.settings.schema import Breaker
from gateway.upstream.candidates import Candidate, Candidates
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import RULES, Failure, Kind
from gateway.upstream.route import NO_RESCUES, Rescues
from tests.support.fakes import Clock, CountingBreaker, FakeLane, FakePicker, deployment, make_call

CALL = make_call(model="a")
LEAN, FULL = FakeLane(), FakeLane()


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


def candidates(
    clock: Clock, *deployments: Deployment, chain: tuple[str, ...] = ("a", "b"), rescues: Rescues = NO_RESCUES
) -> Candidates:
    settings = Breaker(errors=2, open_seconds=20)
    return Candidates(
        lambda model, operation: (model,) if model == "x" else chain,
        FakePicker(deployments),
        {"lean": LEAN, "litellm": FULL},
        lambda name: CountingBreaker(name, settings, clock=clock),
        rescues=rescues,
        set_aside_seconds=300,
        clock=clock,
    )


async def listed(made: Candidates, call: Any = CALL) -> list[Candidate]:
    route = made.route(call)
    found = []
    while (candidate := await route.next()) is not None:
        found.append(candidate)
    return found


async def first(made: Candidates) -> Candidate:
    candidate = await made.route(CALL).next()
    assert candidate is not None
    return candidate


async def barred(made: Candidates) -> dict[str, Kind | None]:
    """Why each deployment is not asked; gives the tokens back."""
    found = {}
    for candidate in await listed(made):
        found[candidate.deployment.id] = candidate.barred.kind if candidate.barred else None
        candidate.settle(Failure(Kind.UNSUPPORTED))
    return found


async def settle(made: Candidates, error: BaseException | None, times: int = 1) -> None:
    """Let calls to the first deployment end so."""
    for _ in range(times):
        (await first(made)).settle(error)


async def test_each_deployment_of_each_group_comes_once_in_the_chain_s_order(clock: Clock) -> None:
    deployments = [deployment(name, group=name[0]) for name in ("b#1", "a#1", "a#2", "b#2", "c#1")]
    ids = [c.deployment.id for c in await listed(candidates(clock, *deployments))]
    assert ids == ["a#1", "a#2", "b#1", "b#2"]


@pytest.mark.parametrize(
    ("operation", "lane", "carried"),
    [
        (Operation.CHAT, "lean", LEAN),
        (Operation.CHAT, "litellm", FULL),
        (Operation.EMBEDDING, "lean", FULL),
        (Operation.EMBEDDING, "litellm", FULL),
    ],
)
async def test_the_lean_lane_carries_chat_only(
    clock: Clock, operation: Operation, lane: str, carried: FakeLane
) -> None:
    (candidate,) = await listed(candidates(clock, deployment("a", lane=lane)), make_call(operation=operation))
    assert candidate.lane is carried


async def test_a_deployment_without_a_key_is_barred_and_takes_no_token(clock: Clock) -> None:
    made = candidates(clock, deployment("a", unusable="A_KEY is not set"))
    (candidate,) = await listed(made)
    assert candidate.barred is not None
    assert (candidate.barred.kind, candidate.barred.message) == (Kind.NO_KEY, "A_KEY is not set")
    assert made.breakers == {}


async def test_an_open_breaker_bars_its_own_deployment_only(clock: Clock) -> None:
    made = candidates(clock, deployment("a"), deployment("b"))
    await settle(made, Failure(Kind.SERVER_ERROR), times=2)
    assert await barred(made) == {"a": Kind.BREAKER_OPEN, "b": None}
    clock.advance(20)
    assert await barred(made) == {"a": None, "b": None}


@pytest.mark.parametrize("kind", [kind for kind in Kind if RULES[kind].set_aside])
async def test_a_deployment_is_set_aside_for_its_time_and_never_counted(clock: Clock, kind: Kind) -> None:
    made = candidates(clock, deployment("a"))
    await settle(made, Failure(kind))
    clock.advance(299)
    assert made.aside("a") == str(kind)
    assert await barred(made) == {"a": Kind.SET_ASIDE}
    clock.advance(1)
    assert made.aside("a") is None
    assert await barred(made) == {"a": None}
    assert made.breaker("a").errors == 0


#: How the breaker hears of each ending.
ENDINGS: list[tuple[BaseException | None, str]] = [
    (None, "success"),
    *((Failure(kind), "failure") for kind in Kind if RULES[kind].counts),
    (Failure(Kind.REJECTED), "success"),
    (Failure(Kind.REFUSED), "success"),
    (Failure(Kind.TOO_LONG), "success"),
    (Failure(Kind.BAD_KEY), "release"),
    (Failure(Kind.MODEL_GONE), "release"),
    (Failure(Kind.INTERNAL), "release"),
    (Failure(Kind.DEADLINE), "release"),
    (Failure(Kind.UNSUPPORTED), "release"),
    (GeneratorExit(), "release"),
    (KeyboardInterrupt(), "release"),
]


@pytest.mark.parametrize(("error", "how"), ENDINGS, ids=[repr(error) for error, _ in ENDINGS])
async def test_how_an_ending_is_counted(clock: Clock, error: BaseException | None, how: str) -> None:
    made = candidates(clock, deployment("a"))
    await settle(made, error)
    breaker = made.breaker("a")
    assert isinstance(breaker, CountingBreaker)
    assert breaker.settled == [how]


async def test_another_try_asks_the_breaker_again(clock: Clock) -> None:
    made = candidates(clock, deployment("a"))
    await settle(made, Failure(Kind.RESET))
    again = await first(made)
    again.settle(Failure(Kind.RESET))
    second = made.again(again)
    assert second.barred is not None and second.barred.kind is Kind.BREAKER_OPEN


async def test_the_first_of_the_call_s_breakers_to_close_says_how_long_to_wait(clock: Clock) -> None:
    made = candidates(clock, deployment("a#1", group="a"), deployment("b"), deployment("x"))
    assert made.seconds_left(CALL) == 0
    for name, later in (("a#1", 0), ("b", 5), ("x", 1)):
        clock.advance(later)
        for _ in range(2):
            for candidate in await listed(made, make_call(model=name)):
                candidate.settle(Failure(Kind.RESET if candidate.deployment.id == name else Kind.UNSUPPORTED))
    assert made.seconds_left(CALL) == 20 - 5 - 1


async def test_only_where_the_configuration_says_so_are_refusals_asked_elsewhere(clock: Clock) -> None:
    made = candidates(clock, deployment("a"), deployment("b"), rescues={Kind.REFUSED: {"a": ["b"]}})
    assert made.reroutes_refusals(deployment("a"), CALL)
    assert not made.reroutes_refusals(deployment("b"), CALL)
    assert not made.reroutes_refusals(deployment("a"), make_call(only=frozenset({"a"})))


async def test_a_call_for_some_models_only_is_taken_to_no_other(clock: Clock) -> None:
    rescues = {Kind.TOO_LONG: {"a": ["c", "b"]}}
    made = candidates(clock, *map(deployment, ("a", "b", "c")), rescues=rescues)
    only = make_call(only=frozenset({"a", "b"}))
    assert [one.deployment.id for one in await listed(made, only)] == ["a", "b"]
    route = made.route(only)
    first = await route.next()
    assert first is not None
    assert route.learn(first.deployment, Failure(Kind.TOO_LONG))
    rescued = await route.next()
    assert rescued is not None and rescued.deployment.id == "b"
    assert await route.next() is None


async def test_how_long_to_wait_is_told_of_the_models_that_may_be_asked(clock: Clock) -> None:
    made = candidates(clock, deployment("a"), deployment("b"))
    for _ in range(2):
        for candidate in await listed(made, CALL):
            candidate.settle(Failure(Kind.RESET if candidate.deployment.id == "b" else Kind.UNSUPPORTED))
    assert made.seconds_left(CALL) == 0.0
    assert made.seconds_left(make_call(only=frozenset({"b"}))) > 0


async def test_who_lags_is_asked_last_where_a_second_one_would_be_asked_beside_it(clock: Clock) -> None:
    made = candidates(clock, deployment("a"), deployment("b"))
    for _ in range(5):
        made.laggards.lost("a")

    async def order(*, hedged: bool) -> list[str]:
        route = made.route(CALL, hedged=hedged)
        found = [await route.next(), await route.next()]
        return [candidate.deployment.id for candidate in found if candidate]

    assert await order(hedged=False) == ["a", "b"]
    assert await order(hedged=True) == ["b", "a"]
    made.begun(await first(made))
    assert await order(hedged=True) == ["a", "b"]
