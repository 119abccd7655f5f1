from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from gateway.contract import Call, Chunk, Unavailable
from gateway.http.prompts import AT_ONCE, Prompts, split
from gateway.pipeline import Answer, Pipeline
from tests.support.fakes import collect, make_call, piece


def usage(tokens: int) -> dict[str, Any]:
    details = {"cached_tokens": tokens}
    return {"prompt_tokens": tokens, "prompt_tokens_details": details, "completion_tokens_details": None}


class Chats:
    """A pipeline that answers each prompt with itself, in two pieces; some prompts steer it."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.open = self.most = 0
        self.go_on = asyncio.Event()

    @asynccontextmanager
    async def run(self, call: Call) -> AsyncGenerator[Answer, None]:
        self.calls.append(call)
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            yield Answer(call, self._chunks(call.params["messages"][0]["content"], call.params.get("n", 1)))
        finally:
            self.open -= 1

    async def _chunks(self, prompt: str, n: int) -> AsyncGenerator[Chunk, None]:
        for index in range(n):
            yield piece(prompt, index=index)
        if prompt == "wait":
            await self.go_on.wait()
        if prompt == "fail":
            raise Unavailable("broke off")
        await asyncio.sleep(0)
        for index in range(n):
            yield piece("!", "stop", index=index)
        yield Chunk({"choices": [], "usage": usage(1)})


def asking(*prompts: str, n: int = 1, **changes: Any) -> Call:
    messages = [{"role": "user", "content": prompt} for prompt in prompts]
    params = {"messages": messages, "n": n * len(prompts), "max_tokens": 5}
    return make_call(params=params, learnt={"prompts": prompts, "n": n, "echo": False}, **changes)


def over(chats: Chats, seconds: float = 60.0) -> Prompts:
    return Prompts(cast(Pipeline, chats), seconds)


def said(chunks: list[Chunk]) -> dict[int, str]:
    texts: dict[int, str] = {}
    for chunk in chunks:
        for choice in chunk.data["choices"]:
            texts[choice["index"]] = texts.get(choice["index"], "") + (choice["delta"].get("content") or "")
    return texts


def test_each_prompt_is_a_call_of_its_own() -> None:
    first, second = split(asking("a", "b", n=2))
    assert first.params == {"messages": [{"role": "user", "content": "a"}], "n": 2, "max_tokens": 5}
    assert second.params["messages"] == [{"role": "user", "content": "b"}]
    assert first.trail is second.trail
    assert "n" not in split(asking("a", "b"))[0].params


async def test_one_prompt_goes_its_usual_way() -> None:
    chats, call = Chats(), asking("a")
    async with over(chats).run(call) as answer:
        chunks = await collect(answer.chunks)
    assert chats.calls == [call]
    assert chunks[-1].data["usage"] == usage(1)


async def test_choices_are_numbered_prompt_by_prompt_and_usage_is_summed() -> None:
    async with over(Chats()).run(asking("a", "b", "c", n=2)) as answer:
        chunks = await collect(answer.chunks)
    assert said(chunks) == {0: "a!", 1: "a!", 2: "b!", 3: "b!", 4: "c!", 5: "c!"}
    assert [chunk.data["usage"] for chunk in chunks if "usage" in chunk.data] == [usage(3)]
    assert chunks[-1].data["choices"] == []


async def test_a_prompt_that_is_answered_need_not_wait_for_another() -> None:
    chats = Chats()
    async with over(chats).run(asking("wait", "b")) as answer:
        seen: list[Chunk] = []
        async for chunk in answer.chunks:
            seen.append(chunk)
            if said(seen).get(1) == "b!":
                chats.go_on.set()
    assert said(seen) == {0: "wait!", 1: "b!"}


async def test_so_many_prompts_are_asked_at_once() -> None:
    chats = Chats()
    async with over(chats).run(asking(*(f"p{number}" for number in range(3 * AT_ONCE)))) as answer:
        chunks = await collect(answer.chunks)
    assert chats.most == AT_ONCE
    assert said(chunks) == {number: f"p{number}!" for number in range(3 * AT_ONCE)}


async def test_a_prompt_that_waited_has_less_time_left() -> None:
    chats = Chats()
    async with over(chats, 50.0).run(asking(*(f"p{number}" for number in range(AT_ONCE + 1)), seconds=9.0)) as answer:
        await collect(answer.chunks)
    assert [call.seconds for call in chats.calls[:AT_ONCE]] == [9.0] * AT_ONCE
    assert 0 < cast(float, chats.calls[AT_ONCE].seconds) < 9.0


async def test_one_prompt_without_an_answer_ends_them_all() -> None:
    chats = Chats()
    with pytest.raises(Unavailable, match="broke off"):
        async with over(chats).run(asking("wait", "fail", "wait")) as answer:
            await collect(answer.chunks)
    assert chats.open == 0


async def test_a_reader_who_leaves_ends_them_all() -> None:
    chats = Chats()
    async with over(chats).run(asking("wait", "wait")) as answer:
        await anext(answer.chunks)
        assert chats.open == 2
    assert chats.open == 0


async def test_a_reader_who_is_cancelled_ends_them_all() -> None:
    chats = Chats()

    async def read() -> None:
        async with over(chats).run(asking("wait", "wait")) as answer:
            await collect(answer.chunks)

    task = asyncio.create_task(read())
    while chats.open < 2:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert chats.open == 0
