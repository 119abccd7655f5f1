from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import Chunk
from gateway.lanes.boot import configure
from gateway.lanes.gemini_wire import GeminiWire
from gateway.lanes.lean import LeanLane
from gateway.lanes.openai_wire import OpenAIWire
from gateway.lanes.transport import Transport
from gateway.settings.schema import Timeouts, Upstream
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.fold import completion
from tests.double.client import Double
from tests.support.chat import FORMAT, PNG, TOOL, image
from tests.support.fakes import PROPERTY, collect, deployment, make_call

MODELS = {"gemini": "gemini-2.5-flash", "openai": "gpt-4o-mini"}
HELLO = [{"role": "user", "content": "hello"}]
both = pytest.mark.parametrize("name", ["gemini", "openai"])
each_way = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


def lane_over(transport: Transport) -> LeanLane:
    configure(drop_params=True)
    return LeanLane(transport, {"gemini": GeminiWire(drop_params=True), "openai": OpenAIWire(drop_params=True)})


@pytest.fixture
async def lane() -> AsyncIterator[LeanLane]:
    transport = Transport(Upstream(), Timeouts())
    yield lane_over(transport)
    await transport.aclose()


def target(provider: Double, name: str) -> Deployment:
    base = provider.gemini_base if name == "gemini" else provider.openai_base
    return deployment(f"my-{name}", provider=name, model=MODELS[name], api_base=base, api_key="k-of-the-test")


async def answer(lane: LeanLane, to: Deployment, *, stream: bool = False, **params: Any) -> dict[str, Any]:
    call = make_call(params={"messages": HELLO, **params}, stream=stream)
    return completion(await collect(lane.attempt(to, call)))


@both
@each_way
async def test_an_answer_with_its_usage(lane: LeanLane, provider: Double, name: str, stream: bool) -> None:
    reply = await answer(lane, target(provider, name), stream=stream)
    (choice,) = reply["choices"]
    assert choice["message"]["content"] == f'Answer from {name} {MODELS[name]}: you said "hello"'
    assert (choice["message"]["role"], choice["finish_reason"]) == ("assistant", "stop")
    assert (reply["model"], reply["object"]) == (f"my-{name}", "chat.completion")
    assert reply["usage"]["total_tokens"] == reply["usage"]["prompt_tokens"] + reply["usage"]["completion_tokens"] > 0


@both
@each_way
async def test_an_answer_cut_by_its_limit(lane: LeanLane, provider: Double, name: str, stream: bool) -> None:
    messages = [{"role": "user", "content": "[[words:9]]"}]
    reply = await answer(lane, target(provider, name), stream=stream, messages=messages, max_tokens=2)
    assert reply["choices"][0]["message"]["content"].split() == ["w1", "w2"]
    assert reply["choices"][0]["finish_reason"] == "length"


@both
@each_way
async def test_a_tool_call_and_its_result(lane: LeanLane, provider: Double, name: str, stream: bool) -> None:
    to = target(provider, name)
    asked = {"role": "user", "content": "use the tool"}
    reply = await answer(lane, to, stream=stream, messages=[asked], tools=[TOOL])
    message = reply["choices"][0]["message"]
    (call,) = message["tool_calls"]
    assert reply["choices"][0]["finish_reason"] == "tool_calls"
    assert call["id"] and call["type"] == "function" and call["function"]["name"] == "look"
    assert isinstance(json.loads(call["function"]["arguments"])["a"], str)
    result = {"role": "tool", "tool_call_id": call["id"], "content": "found it"}
    told = await answer(lane, to, stream=stream, messages=[asked, message, result], tools=[TOOL])
    assert "found it" in told["choices"][0]["message"]["content"]


@both
async def test_a_schema_is_kept_and_an_image_arrives(lane: LeanLane, provider: Double, name: str) -> None:
    reply = await answer(lane, target(provider, name), response_format=FORMAT)
    assert json.loads(reply["choices"][0]["message"]["content"]).keys() == {"a"}
    await answer(lane, target(provider, name), messages=[image({"url": PNG})])
    assert "iVBORw0KGgo=" in json.dumps(provider.calls()[-1]["body"])


FAULTS: list[tuple[dict[str, Any], Kind, Kind]] = [
    ({"kind": "reset"}, Kind.RESET, Kind.RESET),
    ({"kind": "cut"}, Kind.CUT, Kind.CUT),
    ({"kind": "cut", "how": "fin"}, Kind.CUT, Kind.CUT),
    ({"kind": "no_finish"}, Kind.CUT, Kind.CUT),
    ({"kind": "malformed"}, Kind.GARBAGE, Kind.GARBAGE),
    ({"kind": "not_sse"}, Kind.GARBAGE, Kind.GARBAGE),
    ({"kind": "not_json", "content_type": "text/plain"}, Kind.GARBAGE, Kind.CUT),
    ({"kind": "empty"}, Kind.EMPTY, Kind.CUT),
    ({"kind": "empty_choices"}, Kind.EMPTY, Kind.CUT),
    ({"kind": "error_event"}, Kind.STREAM_ERROR, Kind.STREAM_ERROR),
    ({"kind": "status", "status": 500}, Kind.SERVER_ERROR, Kind.SERVER_ERROR),
    ({"kind": "bad_key"}, Kind.BAD_KEY, Kind.BAD_KEY),
    ({"kind": "gzip_bomb", "megabytes": 1}, Kind.GARBAGE, Kind.GARBAGE),
]


@both
@each_way
@pytest.mark.parametrize(("fault", "plain", "streamed"), FAULTS, ids=[str(fault) for fault, _, _ in FAULTS])
async def test_a_fault_is_told_for_what_it_is(
    lane: LeanLane, provider: Double, name: str, stream: bool, fault: dict[str, Any], plain: Kind, streamed: Kind
) -> None:
    provider.script(name, fault, then="repeat")
    with pytest.raises(Failure) as caught:
        await answer(lane, target(provider, name), stream=stream)
    assert caught.value.kind is (streamed if stream else plain)


@both
@each_way
async def test_a_refusal_by_the_filter_is_an_answer(lane: LeanLane, provider: Double, name: str, stream: bool) -> None:
    provider.script(name, "safety")
    reply = await answer(lane, target(provider, name), stream=stream)
    assert reply["choices"][0]["finish_reason"] == "content_filter"


@both
async def test_after_the_finish_reason_a_lost_connection_loses_nothing(
    lane: LeanLane, provider: Double, name: str
) -> None:
    events = {"gemini": 6, "openai": 9}  # all but OpenAI's usage and [DONE]
    provider.script(name, {"kind": "cut", "after_chunks": events[name], "how": "fin"})
    messages = [{"role": "user", "content": "[[words:6]]"}]
    reply = await answer(lane, target(provider, name), stream=True, messages=messages)
    assert reply["choices"][0]["message"]["content"] == "w1 w2 w3 w4 w5 w6"
    assert provider.calls()[-1]["outcome"] == "faulted"


@both
async def test_leaving_early_ends_the_provider_s_call(lane: LeanLane, provider: Double, name: str) -> None:
    provider.settings(chunk_interval_ms=50)
    messages = [{"role": "user", "content": "[[words:100]]"}]
    chunks = lane.attempt(target(provider, name), make_call(params={"messages": messages}, stream=True))
    await anext(chunks)
    await chunks.aclose()
    (call,) = await asyncio.to_thread(provider.wait_calls, 1)
    assert call["outcome"] == "aborted"


class Canned:
    """A transport whose provider says ``said``."""

    def __init__(self, said: Any) -> None:
        self._said = said

    @asynccontextmanager
    async def post(self, request: Any) -> AsyncIterator[Any]:
        yield SimpleNamespace(content_type="text/event-stream", content=SimpleNamespace(iter_any=self._events))

    async def json(self, response: Any) -> Any:
        return self._said

    async def _events(self) -> AsyncIterator[bytes]:
        for _ in range(2):
            yield b"data: " + orjson.dumps(self._said) + b"\n\n"


SAID = {
    "role": "assistant",
    "content": "hi",
    "refusal": None,
    "tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}],
}
CHOICE = {"index": 0, "message": SAID, "logprobs": {"content": [{"token": "a"}]}, "finish_reason": "stop"}
PLAIN: dict[str, Any] = {"id": "x", "created": 1, "choices": [CHOICE], "usage": {"prompt_tokens": 1}}
CHUNK: dict[str, Any] = PLAIN | {"choices": [{"delta" if key == "message" else key: CHOICE[key] for key in CHOICE}]}
GEMINI: dict[str, Any] = {
    "candidates": [
        {
            "content": {"parts": [{"text": "hi"}, {"functionCall": {"name": "f", "args": {"a": 1}}}], "role": "model"},
            "finishReason": "STOP",
            "index": 0,
            "safetyRatings": [{"category": "a"}],
            "groundingMetadata": {"a": 1},
            "logprobsResult": {"a": 1},
        }
    ],
    "usageMetadata": {"promptTokenCount": 1, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1}]},
    "promptFeedback": {"blockReason": "SAFETY"},
    "responseId": "r",
}
scalars = st.none() | st.booleans() | st.integers(-2, 600) | st.text(max_size=3) | st.floats(-1, 1)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
)


def damaged(value: Any) -> st.SearchStrategy[Any]:
    """``value`` with any of its parts missing or replaced by arbitrary JSON."""
    if isinstance(value, dict):
        fields = {key: damaged(item) for key, item in value.items()}
        return anything | st.fixed_dictionaries(fields) | st.fixed_dictionaries({}, optional=fields)
    if isinstance(value, list):
        return anything | st.tuples(*map(damaged, value)).map(list)
    return st.just(value) | anything


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize(
    ("name", "sample", "stream"),
    [("openai", PLAIN, False), ("openai", CHUNK, True), ("gemini", GEMINI, False), ("gemini", GEMINI, True)],
    ids=["openai plain", "openai streamed", "gemini plain", "gemini streamed"],
)
def test_whatever_a_provider_says_is_a_reply_or_a_failure(name: str, sample: dict[str, Any], stream: bool) -> None:
    to = deployment("a", provider=name, model=MODELS[name], api_key="k")
    call = make_call(stream=stream)

    async def attempt(said: Any) -> list[Chunk]:
        return await collect(lane_over(cast(Transport, Canned(said))).attempt(to, call))

    @PROPERTY
    @given(damaged(sample) if stream else damaged(sample).filter(lambda said: isinstance(said, dict)))
    def never_anything_else(said: Any) -> None:
        try:
            chunks = asyncio.run(attempt(said))
        except Failure:
            return
        assert completion(chunks)["choices"]
        assert all(isinstance(chunk.text, str) for chunk in chunks)

    never_anything_else()
