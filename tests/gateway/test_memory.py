from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.memory import child
from gateway.contract import Kept, Owner, Turn
from gateway.memory import MARK_SECONDS, InProcessMemory
from gateway.settings.schema import MemoryBounds
from tests.support.fakes import PROPERTY, Clock

ANN, BOB = Owner("acme", "ann"), Owner("acme", "bob")
HELLO = Turn("hello", "hi")


def memory(clock: Clock | None = None, **settings: Any) -> InProcessMemory:
    return InProcessMemory(MemoryBounds(**settings), clock or Clock())


async def add(store: InProcessMemory, *turns: Turn, owner: Owner = ANN, conversation: str = "c") -> None:
    for turn in turns:
        mark = (await store.recall(owner, conversation)).mark
        await store.remember(owner, conversation, turn, mark)


async def turns(store: InProcessMemory, owner: Owner = ANN, conversation: str = "c") -> list[Turn]:
    return list((await store.recall(owner, conversation)).turns)


def numbered(count: int, size: int = 1) -> list[Turn]:
    return [Turn(f"{number}?".rjust(size, "q"), f"{number}!".rjust(size, "a")) for number in range(count)]


ODD = ["", "\0", "é\n🙂", "\ud800", "BEGIN DATA", "x" * 3000, "\u202e", '{"a": 1}']


@pytest.mark.parametrize(("asked", "answered"), list(itertools.product(ODD, ODD)))
async def test_a_turn_comes_back_as_it_went_in(asked: str, answered: str) -> None:
    store = memory()
    await add(store, Turn(asked, answered), HELLO)
    assert await turns(store) == [Turn(asked, answered), HELLO]


async def test_what_is_not_known_has_no_turns() -> None:
    store = memory()
    assert await turns(store) == []
    assert await store.kept(ANN) == []
    assert await store.forget(ANN) == 0


@pytest.mark.parametrize("most", [1, 2, 20])
async def test_the_last_turns_are_kept(most: int) -> None:
    store = memory(turns=most)
    await add(store, *numbered(25))
    assert await turns(store) == numbered(25)[-most:]


@pytest.mark.parametrize(("size", "kept"), [(10, 5), (11, 4), (24, 2), (25, 2), (26, 1), (50, 1)])
async def test_the_last_characters_are_kept_in_whole_turns(size: int, kept: int) -> None:
    store = memory(characters=100)
    await add(store, *numbered(7, size))
    assert await turns(store) == numbered(7, size)[-kept:]


async def test_characters_are_not_bytes() -> None:
    store = memory(characters=100)
    await add(store, Turn("🙂" * 25, "é" * 25), Turn("你" * 25, "🙂" * 25))
    assert len(await turns(store)) == 2


@pytest.mark.parametrize(
    ("asked", "answered", "kept"),
    [(50, 50, (50, 50)), (30, 200, (30, 70)), (200, 30, (70, 30)), (200, 200, (50, 50)), (101, 0, (100, 0))],
)
async def test_a_turn_that_is_too_long_alone_is_cut(asked: int, answered: int, kept: tuple[int, int]) -> None:
    store = memory(characters=100)
    await add(store, HELLO, Turn("q" * asked, "a" * answered))
    [turn] = await turns(store)
    assert (len(turn.asked), len(turn.answered)) == kept
    assert turn.asked.endswith("…") == (kept[0] < asked)
    assert turn.answered.endswith("…") == (kept[1] < answered)


async def test_what_is_idle_is_forgotten_and_a_use_is_none_of_kept() -> None:
    clock = Clock()
    store = memory(clock, idle_seconds=10.0)
    await add(store, HELLO)
    clock.advance(10)
    assert [kept.idle_seconds for kept in await store.kept(ANN)] == [10]
    assert await turns(store) == [HELLO]  # a use
    clock.advance(10)
    assert await turns(store) == [HELLO]
    clock.advance(6)
    assert len(await store.kept(ANN)) == 1
    clock.advance(4.5)
    assert await store.kept(ANN) == []
    assert await turns(store) == []
    assert store.usage().conversations == 0


async def test_idle_conversations_are_gone_though_not_all_can_be_cleared_at_once() -> None:
    clock = Clock()
    store = memory(clock, idle_seconds=10.0)
    for number in range(1000):
        await add(store, HELLO, conversation=str(number))
    clock.advance(11)
    assert await turns(store, conversation="999") == []
    assert await store.kept(ANN) == []
    await add(store, Turn("a", "b"), conversation="998")
    assert await turns(store, conversation="998") == [Turn("a", "b")]
    assert await store.forget(ANN) == 1
    assert store.usage().conversations == 0


async def test_kept_shows_an_owner_s_conversations_the_last_used_first() -> None:
    clock = Clock()
    store = memory(clock)
    for name in ("one", "", "three"):
        await add(store, *numbered(2), conversation=name)
        clock.advance(1)
    await add(store, HELLO, owner=BOB)
    await store.recall(ANN, "one")
    expected = tuple(numbered(2))
    assert await store.kept(ANN) == [Kept("one", expected, 0), Kept("three", expected, 1), Kept("", expected, 2)]


async def test_forgetting_takes_all_of_an_owner_s_and_nothing_of_another_s() -> None:
    store = memory()
    await add(store, HELLO, conversation="one")
    await add(store, HELLO, conversation="two")
    await add(store, HELLO, owner=BOB)
    assert await store.forget(ANN) == 2
    assert await turns(store, conversation="one") == []
    assert await turns(store, BOB) == [HELLO]
    assert store.usage().conversations == 1


async def test_a_turn_that_began_before_its_owner_was_forgotten_is_not_kept() -> None:
    store = memory()
    before, other = (await store.recall(ANN, "c")).mark, (await store.recall(BOB, "c")).mark
    await store.forget(ANN)
    after = (await store.recall(ANN, "c")).mark
    await store.remember(ANN, "c", Turn("old", "old"), before)
    await store.remember(BOB, "c", HELLO, other)
    await store.remember(ANN, "c", HELLO, after)
    assert await turns(store) == await turns(store, BOB) == [HELLO]


@pytest.mark.parametrize("way", ["number", "age"])
async def test_marks_are_given_up_in_time_and_what_began_before_is_not_kept_then(way: str) -> None:
    clock = Clock()
    store = memory(clock)
    before, empty = (await store.recall(ANN, "c")).mark, store.usage().bytes
    await store.forget(ANN)
    if way == "age":
        clock.advance(MARK_SECONDS + 1)
    for number in range(5000 if way == "number" else 1):
        await store.forget(Owner("", str(number)))
    held = store.usage().bytes
    assert held - empty < 1_000_000
    await store.remember(ANN, "c", HELLO, before)
    assert await turns(store) == []
    await add(store, HELLO)
    assert await turns(store) == [HELLO]


async def test_over_the_bound_of_bytes_the_least_recently_used_goes_first() -> None:
    store = memory(max_bytes=100_000)
    for number in range(1000):
        await add(store, Turn("q" * 500, "a" * 500), conversation=str(number))
        await store.recall(ANN, "0")
        usage = store.usage()
        assert usage.bytes <= usage.most == 100_000
    kept = [one.conversation for one in await store.kept(ANN)]
    assert kept == ["0", *(str(number) for number in range(999, 1000 - len(kept), -1))]
    assert len(kept) == store.usage().conversations > 40


async def test_a_conversation_over_the_bound_of_bytes_loses_its_oldest_turns() -> None:
    store = memory(max_bytes=100_000, characters=1_000_000)
    long = [Turn("q" * 15_000, letter * 15_000) for letter in "abc"]
    await add(store, *long)
    assert await turns(store) == long[1:]
    await add(store, Turn("🙂" * 200_000, ""))
    assert await turns(store) == []
    assert store.usage().conversations == 0


async def test_what_was_taken_goes_back_when_nothing_is_held() -> None:
    store = memory()
    empty = store.usage()
    for number in range(3000):
        await add(store, Turn("q" * 500, "a" * 500), conversation=str(number))
    full = store.usage().bytes
    assert full > empty.bytes + 3000 * 1000
    await store.forget(ANN)
    assert store.usage().bytes < empty.bytes + 1000
    await add(store, HELLO)
    assert await turns(store) == [HELLO]


@pytest.mark.parametrize("variant", ["1 KB, 100,000 users", "10 B to 20 KB, 100,000 users"])
def test_the_process_grows_by_what_is_reported_and_stays_under_the_bound(variant: str) -> None:
    most, page_faults_and_interpreter = 16 * 1024 * 1024, 1024 * 1024
    found = child(variant, 100_000, most)
    assert most * 0.9 < found["reported"] <= most
    assert found["peak"] <= most + page_faults_and_interpreter
    assert found["grown"] * 0.8 <= found["reported"] <= found["grown"] * 1.2


async def test_names_that_are_the_same_letters_put_together_are_different_names() -> None:
    store = memory()
    splits = [("abc"[:i], "abc"[i:j], "abc"[j:]) for i in range(4) for j in range(i, 4)]
    for org, user, conversation in splits:
        await add(store, Turn(org, user), owner=Owner(org, user), conversation=conversation)
    for org, user, conversation in splits:
        assert await turns(store, Owner(org, user), conversation) == [Turn(org, user)]
        assert [kept.conversation for kept in await store.kept(Owner(org, user))] == [conversation]


NAMES = ["", "a", "b", "a\0", "\0a", "a/b", "/", "\ud800", "ab", "1:a", "é"]
NAME = st.sampled_from(NAMES)
STEP = st.tuples(st.sampled_from(["recall", "turn", "turn", "turn", "begin", "end", "forget"]), NAME, NAME, NAME)


@PROPERTY
@given(st.lists(STEP, max_size=80), st.integers(1, 4), st.sampled_from([100, 200]))
async def test_nobody_ever_sees_another_s_words(
    steps: list[tuple[str, str, str, str]], most: int, characters: int
) -> None:
    store = memory(turns=most, characters=characters)
    model: dict[Owner, dict[str, list[Turn]]] = {}
    begun: list[tuple[Owner, str, int]] = []
    for number, (step, org, user, conversation) in enumerate(steps):
        owner = Owner(org, user)
        turn = Turn(f"{number}".rjust(20), f"{number}".ljust(25))
        if step == "forget":
            assert await store.forget(owner) == len(model.pop(owner, {}))
            begun = [one for one in begun if one[0] != owner or await _is_dropped(store, one)]
        elif step == "begin":
            begun.append((owner, conversation, (await store.recall(owner, conversation)).mark))
        elif step == "end" and begun:
            whose, ended, mark = begun.pop(number % len(begun))
            await store.remember(whose, ended, turn, mark)
            model.setdefault(whose, {}).setdefault(ended, []).append(turn)
        elif step == "turn":
            await add(store, turn, owner=owner, conversation=conversation)
            model.setdefault(owner, {}).setdefault(conversation, []).append(turn)
        kept = min(most, characters // 45)
        assert await turns(store, owner, conversation) == model.get(owner, {}).get(conversation, [])[-kept:]
    for owner, conversations in model.items():
        found = {one.conversation: list(one.turns) for one in await store.kept(owner)}
        assert found == {name: said[-kept:] for name, said in conversations.items()}
    assert store.usage().conversations == sum(map(len, model.values()))


async def _is_dropped(store: InProcessMemory, begun: tuple[Owner, str, int]) -> bool:
    """Ends a reply whose owner was forgotten meanwhile; the comparison with the model tells if it is kept after all."""
    owner, conversation, mark = begun
    await store.remember(owner, conversation, Turn("forgotten", "forgotten"), mark)
    return False
