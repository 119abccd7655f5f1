from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.contract import Identity, InvalidRequest, RateLimited
from gateway.engine import Engine
from gateway.http import foreign
from gateway.http.count import ANSWER_TOKENS, MEDIA_TOKENS, MESSAGE_TOKENS, TokenCount, written
from gateway.settings.schema import Server
from tests.support.asgi import Sent, receiving, scope

JSON = {"Content-Type": "application/json"}
ANN = Identity("127.0.0.1", "ann")


class Admission:
    def __init__(self, *, full: bool = False) -> None:
        self.full = full
        self.asked: list[Any] = []

    def admit(self, identity: Identity, key: Any = None) -> Any:
        self.asked.append((identity, key))
        if self.full:
            raise RateLimited("slow down")
        return SimpleNamespace(headers=lambda: {"X-RateLimit-Limit": "60"})


def engine(admission: Admission) -> Engine:
    plan = SimpleNamespace(count_tokens=lambda texts: sum(len(text.split()) for text in texts))
    settings = SimpleNamespace(gateway=SimpleNamespace(server=Server()))
    return cast(Engine, SimpleNamespace(plan=plan, admission=admission, settings=settings))


def parse(engine: Engine, scope: Any, body: Any) -> Any:
    if "messages" not in body:
        raise InvalidRequest("no messages", param="messages")
    return body


async def count(body: Any, admission: Admission) -> Sent:
    sent = Sent()
    endpoint = TokenCount(lambda: engine(admission), parse, lambda tokens: {"tokens": tokens})
    await endpoint(scope(headers=JSON, identity=ANN, key="k"), receiving(json.dumps(body).encode()), sent)
    return sent


async def test_the_words_of_a_request_are_counted_and_what_stands_around_them() -> None:
    admission = Admission()
    sent = await count({"messages": [{"role": "user", "content": "one two three"}]}, admission)
    assert (sent.status, sent.json) == (200, {"tokens": 3 + MESSAGE_TOKENS + ANSWER_TOKENS})
    assert sent.headers["x-ratelimit-limit"] == "60"
    assert admission.asked == [(ANN, "k")]


async def test_it_counts_as_a_request() -> None:
    with pytest.raises(RateLimited):
        await count({"messages": []}, Admission(full=True))


async def test_a_wrong_body_is_refused_before_it_counts_as_one() -> None:
    admission = Admission()
    with pytest.raises(InvalidRequest):
        await count({}, admission)
    assert admission.asked == []


def test_everything_that_a_model_reads_is_counted() -> None:
    image = foreign.image("data:image/png;base64,AA")
    called = {"role": "assistant", "content": None, "tool_calls": [foreign.tool_call("look", "c1", {"a": "b"})]}
    result = {"role": "tool", "tool_call_id": "c1", "content": "found"}
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    said = {"role": "user", "content": [foreign.text("see"), image, image]}
    texts, extra = written({"messages": [said, called, result], "tools": [tool]})
    assert texts[:2] == ["see", "look"]
    assert json.loads(texts[2]) == {"a": "b"}
    assert texts[3] == "found"
    assert json.loads(texts[4]) == tool["function"]
    assert extra == 3 * MESSAGE_TOKENS + 2 * MEDIA_TOKENS + ANSWER_TOKENS
