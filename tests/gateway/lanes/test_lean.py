from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import Chunk
from gateway.lanes.boot import configure
from gateway.lanes.gemini_wire import GeminiWire
from gateway.lanes.lean import LeanLane
from gateway.lanes.openai_wire import OpenAIWire
from gateway.lanes.reading import TICK_SECONDS
from gateway.lanes.transport import Transport
from gateway.lanes.wire import Wire
from gateway.settings.schema import Timeouts, Upstream
from gateway.upstream.deployment import TICK, Deployment
from gateway.upstream.failures import Failure, Kind, Retry
from gateway.upstream.fold import completion
from tests.double.client import Double
from tests.support.chat import FORMAT, PNG, TOOL, image
from tests.support.fakes import PROPERTY, collect, deployment, make_call

MODELS = {"gemini": "gemini-2.5-flash", "openai": "gpt-4o-mini"}
HELLO = [{"role": "user", "content": "hello"}]
both = pytest.mark.parametrize("name", ["gemini", "openai"])
#: How a call is carried: a plain one gathered from a stream, a streamed one, a plain one as a whole.
WAYS = ["gathered", "streamed", "whole"]


def lane_over(transport: Transport, upstream: Upstream | None = None) -> LeanLane:
    configure(drop_params=True)
    wires: dict[str, Wire] = {"gemini": GeminiWire(drop_params=True), "openai": OpenAIWire(drop_params=True)}
    return LeanLane(transport, wires, upstream, Timeouts(tail_seconds=0.2))


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def opened(**settings: Any) -> AsyncIterator[LeanLane]:
    upstream = Upstream(**settings)
    transport = Transport(upstream, Timeouts())
    yield lane_over(transport, upstream)
    await transport.aclose()


@pytest.fixture
async def lane(way: str) -> AsyncIterator[LeanLane]:
    """A lane that carries its calls in the test's way."""
    async with opened(plain="whole" if way == "whole" else "stream") as made:
        yield made


@pytest.fixture
async def gathering() -> AsyncIterator[LeanLane]:
    async with opened() as made:
        yield made


def target(provider: Double, name: str) -> Deployment:
    base = provider.gemini_base if name == "gemini" else provider.openai_base
    return deployment(f"my-{name}", provider=name, model=MODELS[name], api_base=base, api_key="k-of-the-test")


async def answer(lane: LeanLane, to: Deployment, *, stream: bool = False, **params: Any) -> dict[str, Any]:
    call = make_call(params={"messages": HELLO, **params}, stream=stream)
    return completion(await collect(lane.attempt(to, call)))


@both
async def test_an_answer_with_its_usage(lane: LeanLane, provider: Double, name: str, way: str) -> None:
    reply = await answer(lane, target(provider, name), stream=way == "streamed")
    (choice,) = reply["choices"]
    assert choice["message"]["content"] == f'Answer from {name} {MODELS[name]}: you said "hello"'
    assert (choice["message"]["role"], choice["finish_reason"]) == ("assistant", "stop")
    assert (reply["model"], reply["object"]) == (f"my-{name}", "chat.completion")
    assert reply["usage"]["total_tokens"] == reply["usage"]["prompt_tokens"] + reply["usage"]["completion_tokens"] > 0


@both
async def test_an_answer_cut_by_its_limit(lane: LeanLane, provider: Double, name: str, way: str) -> None:
    messages = [{"role": "user", "content": "[[words:9]]"}]
    reply = await answer(lane, target(provider, name), stream=way == "streamed", messages=messages, max_tokens=2)
    assert reply["choices"][0]["message"]["content"].split() == ["w1", "w2"]
    assert reply["choices"][0]["finish_reason"] == "length"


@both
async def test_a_tool_call_and_its_result(lane: LeanLane, provider: Double, name: str, way: str) -> None:
    to = target(provider, name)
    asked = {"role": "user", "content": "use the tool"}
    reply = await answer(lane, to, stream=way == "streamed", messages=[asked], tools=[TOOL])
    message = reply["choices"][0]["message"]
    (call,) = message["tool_calls"]
    assert reply["choices"][0]["finish_reason"] == "tool_calls"
    assert call["id"] and call["type"] == "function" and call["function"]["name"] == "look"
    assert isinstance(json.loads(call["function"]["arguments"])["a"], str)
    result = {"role": "tool", "tool_call_id": call["id"], "content": "found it"}
    told = await answer(lane, to, stream=way == "streamed", messages=[asked, message, result], tools=[TOOL])
    assert "found it" in told["choices"][0]["message"]["content"]


@both
async def test_a_schema_is_kept_and_an_image_arrives(lane: LeanLane, provider: Double, name: str) -> None:
    reply = await answer(lane, target(provider, name), response_format=FORMAT)
    assert json.loads(reply["choices"][0]["message"]["content"]).keys() == {"a"}
    await answer(lane, target(provider, name), messages=[image({"url": PNG})])
    assert "iVBORw0KGgo=" in json.dumps(provider.calls()[-1]["body"])


#: What a fault is called for a plain call that is gathered, for a streamed one, and for a whole reply.
FAULTS: list[tuple[dict[str, Any], Kind, Kind, Kind]] = [
    ({"kind": "reset"}, Kind.RESET, Kind.RESET, Kind.RESET),
    ({"kind": "cut"}, Kind.CUT, Kind.CUT, Kind.CUT),
    ({"kind": "cut", "how": "fin"}, Kind.CUT, Kind.CUT, Kind.CUT),
    ({"kind": "no_finish"}, Kind.CUT, Kind.UNFINISHED, Kind.CUT),
    ({"kind": "malformed", "after_chunks": 2, "drop": True}, Kind.GARBAGE, Kind.GARBAGE, Kind.GARBAGE),
    ({"kind": "not_sse"}, Kind.GARBAGE, Kind.GARBAGE, Kind.GARBAGE),
    ({"kind": "not_json", "content_type": "application/json"}, Kind.GARBAGE, Kind.GARBAGE, Kind.GARBAGE),
    ({"kind": "not_json", "content_type": "text/plain"}, Kind.EMPTY, Kind.EMPTY, Kind.GARBAGE),
    ({"kind": "empty"}, Kind.EMPTY, Kind.EMPTY, Kind.EMPTY),
    ({"kind": "empty_choices"}, Kind.EMPTY, Kind.EMPTY, Kind.EMPTY),
    ({"kind": "error_event"}, Kind.STREAM_ERROR, Kind.STREAM_ERROR, Kind.STREAM_ERROR),
    ({"kind": "huge", "megabytes": 9}, Kind.GARBAGE, Kind.GARBAGE, Kind.GARBAGE),
    ({"kind": "status", "status": 500}, Kind.SERVER_ERROR, Kind.SERVER_ERROR, Kind.SERVER_ERROR),
    ({"kind": "bad_key"}, Kind.BAD_KEY, Kind.BAD_KEY, Kind.BAD_KEY),
    ({"kind": "gzip_bomb", "megabytes": 1}, Kind.GARBAGE, Kind.GARBAGE, Kind.GARBAGE),
]


@both
@pytest.mark.parametrize(
    ("fault", "kinds"), [(fault, kinds) for fault, *kinds in FAULTS], ids=[str(fault) for fault, *_ in FAULTS]
)
async def test_a_fault_is_told_for_what_it_is(
    provider: Double, name: str, way: str, fault: dict[str, Any], kinds: list[Kind]
) -> None:
    provider.script(name, fault, then="repeat")
    plain = "whole" if way == "whole" else "stream"
    async with opened(plain=plain, max_reply_bytes=2_000_000) as lane:
        with pytest.raises(Failure) as caught:
            await answer(lane, target(provider, name), stream=way == "streamed")
    assert caught.value.kind is kinds[WAYS.index(way)]


@both
@pytest.mark.parametrize("stream", [False, True], ids=["gathered", "streamed"])
@pytest.mark.parametrize("place", [0, 1, 3])
async def test_a_malformed_event_whose_text_comes_again_loses_nothing(
    gathering: LeanLane, provider: Double, name: str, stream: bool, place: int
) -> None:
    provider.script(name, {"kind": "malformed", "after_chunks": place})
    messages = [{"role": "user", "content": "[[words:6]]"}]
    reply = await answer(gathering, target(provider, name), stream=stream, messages=messages)
    assert reply["choices"][0]["message"]["content"] == "w1 w2 w3 w4 w5 w6"
    assert reply["usage"]["completion_tokens"] == 6


@both
@pytest.mark.parametrize("stream", [False, True], ids=["gathered", "streamed"])
async def test_a_stream_that_stays_open_is_finished_all_the_same(
    gathering: LeanLane, provider: Double, name: str, stream: bool
) -> None:
    provider.script(name, {"kind": "no_done", "seconds": 600})
    reply = await answer(gathering, target(provider, name), stream=stream)
    assert reply["choices"][0]["finish_reason"] == "stop"
    assert reply["usage"]["completion_tokens"] > 0
    await asyncio.to_thread(provider.wait_calls, 1)


@both
async def test_a_gathered_call_ticks_while_it_is_said(gathering: LeanLane, provider: Double, name: str) -> None:
    provider.settings(chunk_interval_ms=TICK_SECONDS * 1000 + 10)
    call = make_call(params={"messages": [{"role": "user", "content": "[[words:4]]"}]})
    assert gathering.streams(target(provider, name), call)
    *ticks, chunk = await collect(gathering.attempt(target(provider, name), call))
    provider.settings(chunk_interval_ms=0)
    assert ticks and all(tick is TICK for tick in ticks)
    assert chunk.text == "w1 w2 w3 w4"


@pytest.mark.parametrize(
    ("params", "plain", "streams"),
    [
        ({}, "stream", True),
        ({"n": 8}, "stream", True),
        ({"n": 9}, "stream", False),
        ({"modalities": ["text", "audio"]}, "stream", False),
        ({"modalities": ["text"]}, "stream", True),
        ({}, "whole", False),
    ],
)
def test_what_is_carried_as_a_stream(params: dict[str, Any], plain: Any, streams: bool) -> None:
    lane = lane_over(cast(Transport, None), Upstream(plain=plain))
    call = {"params": {"messages": HELLO, **params}}
    assert lane.streams(deployment("a"), make_call(**call)) is streams
    assert lane.streams(deployment("a", defaults=params), make_call()) is streams
    assert lane.streams(deployment("a"), make_call(**call, stream=True))


@pytest.mark.parametrize("param", ["stream", "stream_options"])
async def test_who_refuses_to_stream_is_asked_for_the_whole(gathering: LeanLane, provider: Double, param: str) -> None:
    error = {"message": "Your organization must be verified to stream", "param": param, "code": "unsupported_value"}
    to = target(provider, "openai")
    provider.script("openai", {"kind": "status", "status": 400, "body": {"error": error}})
    with pytest.raises(Failure) as caught:
        await answer(gathering, to)
    assert (caught.value.kind, caught.value.rule.retry) == (Kind.NO_STREAM, Retry.SOON)
    for _ in range(2):
        assert (await answer(gathering, to))["usage"]["total_tokens"] > 0
    assert not gathering.streams(to, make_call())
    assert [call["body"].get("stream") for call in provider.calls()] == [True, None, None]


async def test_a_caller_s_stream_that_is_refused_is_a_failure(gathering: LeanLane, provider: Double) -> None:
    body = {"error": {"message": "m", "param": "stream"}}
    provider.script("openai", {"kind": "status", "status": 400, "body": body})
    with pytest.raises(Failure) as caught:
        await answer(gathering, target(provider, "openai"), stream=True)
    assert caught.value.kind is Kind.REJECTED


@both
@pytest.mark.parametrize("stream", [False, True], ids=["gathered", "streamed"])
async def test_who_does_not_stream_but_answers_is_heard(
    gathering: LeanLane, provider: Double, name: str, stream: bool
) -> None:
    body = {key: GEMINI[key] for key in GEMINI if key != "promptFeedback"} if name == "gemini" else PLAIN
    provider.script(name, {"kind": "status", "status": 200, "body": body})
    reply = await answer(gathering, target(provider, name), stream=stream)
    assert (reply["choices"][0]["message"]["content"], reply["choices"][0]["finish_reason"]) == ("hi", ENDS[name])
    assert not gathering.streams(target(provider, name), make_call())


@both
async def test_a_refusal_by_the_filter_is_an_answer(lane: LeanLane, provider: Double, name: str, way: str) -> None:
    provider.script(name, "safety")
    reply = await answer(lane, target(provider, name), stream=way == "streamed")
    assert reply["choices"][0]["finish_reason"] == "content_filter"


@both
@pytest.mark.parametrize("stream", [False, True], ids=["gathered", "streamed"])
async def test_after_the_finish_reason_a_lost_connection_loses_nothing(
    gathering: LeanLane, provider: Double, name: str, stream: bool
) -> None:
    events = {"gemini": 6, "openai": 9}  # all but OpenAI's usage and [DONE]
    provider.script(name, {"kind": "cut", "after_chunks": events[name], "how": "fin"})
    messages = [{"role": "user", "content": "[[words:6]]"}]
    reply = await answer(gathering, target(provider, name), stream=stream, messages=messages)
    assert reply["choices"][0]["message"]["content"] == "w1 w2 w3 w4 w5 w6"
    assert provider.calls()[-1]["outcome"] == "faulted"


@both
@pytest.mark.parametrize("stream", [False, True], ids=["gathered", "streamed"])
async def test_leaving_early_ends_the_provider_s_call(
    gathering: LeanLane, provider: Double, name: str, stream: bool
) -> None:
    provider.settings(chunk_interval_ms=50)
    messages = [{"role": "user", "content": "[[words:100]]"}]
    chunks = gathering.attempt(target(provider, name), make_call(params={"messages": messages}, stream=stream))
    await anext(chunks)
    await chunks.aclose()
    (call,) = await asyncio.to_thread(provider.wait_calls, 1)
    assert call["outcome"] == "aborted"


class Canned:
    """A transport whose provider says ``said``: twice where it is asked to stream, or in these events."""

    def __init__(self, said: Any, *events: bytes) -> None:
        self._said = said
        self._events = events or (orjson.dumps(said),) * 2

    @asynccontextmanager
    async def post(self, request: Any) -> AsyncIterator[Any]:
        received = [b"data: " + event + b"\n\n" for event in self._events]
        content = SimpleNamespace(
            readany=AsyncMock(side_effect=[*received, b""]), wait_eof=AsyncMock(), is_eof=lambda: False
        )
        yield SimpleNamespace(content_type="text/event-stream", content=content)

    async def json(self, response: Any) -> Any:
        return self._said


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
ENDS = {"gemini": "tool_calls", "openai": "stop"}


async def test_a_stream_without_usage_is_asked_for_once() -> None:
    events = orjson.dumps({key: value for key, value in CHUNK.items() if key != "usage"}), b"[DONE]"
    lane = lane_over(cast(Transport, Canned(PLAIN, *events)))
    to = deployment("a", model=MODELS["openai"], api_key="k")
    usages = [(await answer(lane, to)).get("usage") for _ in range(2)]
    assert usages == [None, PLAIN["usage"]]


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
@pytest.mark.parametrize("name", ["openai", "gemini"])
def test_whatever_a_provider_says_is_a_reply_or_a_failure(name: str, way: str) -> None:
    plain = PLAIN if way == "whole" else CHUNK
    sample = GEMINI if name == "gemini" else plain
    upstream = Upstream(plain="whole" if way == "whole" else "stream")
    to = deployment("a", provider=name, model=MODELS[name], api_key="k")
    call = make_call(stream=way == "streamed")

    async def attempt(said: Any) -> list[Chunk]:
        return await collect(lane_over(cast(Transport, Canned(said)), upstream).attempt(to, call))

    @PROPERTY
    @given(damaged(sample) if way != "whole" else damaged(sample).filter(lambda said: isinstance(said, dict)))
    def never_anything_else(said: Any) -> None:
        try:
            chunks = asyncio.run(attempt(said))
        except Failure:
            return
        assert completion(chunks)["choices"]
        assert all(isinstance(chunk.text, str) for chunk in chunks)

    never_anything_else()
