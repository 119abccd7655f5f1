from __future__ import annotations

import json
from typing import Any

import httpx
import litellm
import pytest

from gateway.contract import Operation
from gateway.lanes.catalog import RouterPicker
from gateway.lanes.client_guard import Exchange, ReplyTooLarge
from gateway.lanes.full import LiteLLMLane, failure_of
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.fold import completion
from tests.double.client import Double
from tests.support.chat import TOOL, image
from tests.support.configuration import Configuration
from tests.support.fakes import collect, make_call

MODELS = """\
model_list:
- model_name: gemini
  litellm_params: {model: gemini/gemini-2.5-flash, api_base: %s, api_key: k-of-the-test}
- model_name: openai
  litellm_params: {model: openai/gpt-4o-mini, api_base: %s, api_key: k-of-the-test}
- model_name: vectors
  litellm_params: {model: openai/text-embedding-3-small, api_base: %s, api_key: k-of-the-test}
"""
GATEWAY = "upstream: {lane: litellm}"
HELLO = [{"role": "user", "content": "hello"}]
both = pytest.mark.parametrize("name", ["gemini", "openai"])
each_way = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


def named(value: Any) -> str:
    """The same in every process: sets have no order."""
    return " or ".join(sorted(map(str, value))) if isinstance(value, set) else str(value)


class Lane:
    """LiteLLM's lane over a Router with the two providers of the double."""

    def __init__(self, configuration: Configuration, double: Double) -> None:
        models = MODELS % (double.gemini_base, double.openai_base, double.openai_base)
        plan = configuration.plan(models, gateway=GATEWAY)
        self.targets = {deployment.group: deployment for deployment in plan.deployments}
        self._lane = LiteLLMLane(RouterPicker(plan).router, 1_000_000)

    def target(self, name: str) -> Deployment:
        return self.targets[name]

    async def answer(self, name: str, *, stream: bool = False, **params: Any) -> dict[str, Any]:
        call = make_call(params={"messages": HELLO, **params}, stream=stream)
        return completion(await collect(self._lane.attempt(self.targets[name], call)))

    async def said_before_failing(self, name: str, asked: str) -> str:
        call = make_call(params={"messages": [{"role": "user", "content": asked}]}, stream=True)
        text = ""
        try:
            async for chunk in self._lane.attempt(self.targets[name], call):
                text += chunk.text
        except Failure:
            return text
        raise AssertionError("it did not fail")

    async def vectors(self, **params: Any) -> Any:
        call = make_call(operation=Operation.EMBEDDING, params=params)
        (chunk,) = await collect(self._lane.attempt(self.targets["vectors"], call))
        return chunk.data


@pytest.fixture
async def lane(configuration: Configuration, provider: Double, litellm_closed: None) -> Lane:
    return Lane(configuration, provider)


@both
@each_way
async def test_an_answer_with_its_usage(lane: Lane, provider: Double, name: str, stream: bool) -> None:
    reply = await lane.answer(name, stream=stream)
    (choice,) = reply["choices"]
    model = lane.target(name).model
    assert choice["message"]["content"] == f'Answer from {name} {model}: you said "hello"'
    assert (choice["message"]["role"], choice["finish_reason"], reply["model"]) == ("assistant", "stop", name)
    assert reply["usage"]["total_tokens"] > 0
    assert len(provider.calls()) == 1


@both
@each_way
async def test_a_tool_call(lane: Lane, name: str, stream: bool) -> None:
    messages = [{"role": "user", "content": "use the tool"}]
    (choice,) = (await lane.answer(name, stream=stream, messages=messages, tools=[TOOL]))["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert (choice["finish_reason"], call["function"]["name"]) == ("tool_calls", "look")
    assert json.loads(call["function"]["arguments"]).keys() == {"a"}


async def test_vectors(lane: Lane) -> None:
    reply = await lane.vectors(input=["a", "b c"])
    assert [one["index"] for one in reply["data"]] == [0, 1]
    assert (reply["model"], reply["object"], reply["usage"]["prompt_tokens"]) == ("vectors", "list", 3)


async def test_no_vectors_are_no_reply(lane: Lane, provider: Double) -> None:
    provider.script("openai", "empty_choices", then="repeat")
    with pytest.raises(Failure) as caught:
        await lane.vectors(input="a")
    assert caught.value.kind is Kind.EMPTY


@both
@each_way
@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        ({"kind": "status", "status": 500}, {Kind.SERVER_ERROR}),
        ({"kind": "status", "status": 503}, {Kind.OVERLOADED, Kind.SERVER_ERROR}),
        ({"kind": "status", "status": 429}, {Kind.RATE_LIMITED}),
        ({"kind": "model_not_found"}, {Kind.MODEL_GONE}),
        ({"kind": "bad_key"}, {Kind.BAD_KEY}),
        ({"kind": "context_too_long"}, {Kind.TOO_LONG}),
        ({"kind": "reset"}, {Kind.RESET, Kind.CONNECT}),
    ],
    ids=named,
)
async def test_a_fault_is_told_and_tried_once(
    lane: Lane, provider: Double, name: str, stream: bool, fault: dict[str, Any], kinds: set[Kind]
) -> None:
    provider.script(name, fault, then="repeat")
    with pytest.raises(Failure) as caught:
        await lane.answer(name, stream=stream)
    assert caught.value.kind in kinds
    assert len(provider.calls()) <= 2  # aiohttp sends once more where a new connection was lost
    assert "k-of-the-test" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


@both
@pytest.mark.parametrize(
    ("fault", "plain", "streamed"),
    [
        ({"kind": "no_finish"}, {Kind.CUT}, {Kind.CUT}),
        ({"kind": "cut", "after_chunks": 2}, {Kind.CUT, Kind.RESET}, {Kind.CUT, Kind.RESET}),
        ({"kind": "malformed", "after_chunks": 2, "drop": True}, {Kind.GARBAGE}, {Kind.GARBAGE}),
        ({"kind": "malformed", "after_chunks": 2}, {Kind.GARBAGE}, {Kind.GARBAGE}),
        ({"kind": "malformed", "after_chunks": 0, "drop": True}, {Kind.GARBAGE}, {Kind.GARBAGE}),
        ({"kind": "error_event", "after_chunks": 2}, {Kind.STREAM_ERROR}, {Kind.STREAM_ERROR}),
    ],
    ids=named,
)
@each_way
async def test_a_reply_that_litellm_would_take_for_whole_is_told_for_what_it_is(
    lane: Lane, provider: Double, name: str, stream: bool, fault: dict[str, Any], plain: set[Kind], streamed: set[Kind]
) -> None:
    provider.script(name, fault, then="repeat")
    with pytest.raises(Failure) as caught:
        await lane.answer(name, stream=stream)
    assert caught.value.kind in (streamed if stream else plain)


@both
async def test_nothing_is_given_out_that_came_after_a_malformed_event(lane: Lane, provider: Double, name: str) -> None:
    provider.settings(chunk_interval_ms=20)
    provider.script(name, {"kind": "malformed", "after_chunks": 4, "drop": True})
    text = await lane.said_before_failing(name, "[[words:9]]")
    assert text and "w1 w2 w3 w4".startswith(text)


@both
async def test_a_page_of_html_is_no_reply(lane: Lane, provider: Double, name: str) -> None:
    provider.script(name, "not_json", then="repeat")
    with pytest.raises(Failure) as caught:
        await lane.answer(name)
    assert caught.value.kind in (Kind.GARBAGE, Kind.SERVER_ERROR)
    # LiteLLM hides it in a stream; what is left is empty, which no attempt may be.
    assert (await lane.answer(name, stream=True))["choices"][0]["message"]["content"] is None


async def test_an_image_s_address_is_not_fetched_for_gemini(lane: Lane, provider: Double) -> None:
    with pytest.raises(Failure) as caught:
        await lane.answer("gemini", messages=[image({"url": f"{provider.openai_base}/models"})])
    assert caught.value.kind is Kind.UNSUPPORTED
    assert provider.calls() == []


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:
        return caught


OUTER = litellm.APIConnectionError(message="m", llm_provider="openai", model="m")
SENT = Exchange(sent=True)
ANSWERED = Exchange(sent=True, status=200)


@pytest.mark.parametrize(
    ("cause", "exchange", "kind"),
    [
        (httpx.ConnectError("x"), SENT, Kind.CONNECT),
        (httpx.ConnectTimeout("x"), SENT, Kind.CONNECT),
        (ConnectionRefusedError(), SENT, Kind.CONNECT),
        (httpx.ReadTimeout("x"), SENT, Kind.SLOW),
        (TimeoutError(), SENT, Kind.SLOW),
        (httpx.RemoteProtocolError("x"), SENT, Kind.RESET),
        (ConnectionResetError(), ANSWERED, Kind.RESET),
        (ReplyTooLarge("x"), ANSWERED, Kind.GARBAGE),
        (KeyError("x"), ANSWERED, Kind.GARBAGE),
        (KeyError("x"), SENT, Kind.CONNECT),
        (KeyError("x"), Exchange(), Kind.UNSUPPORTED),
        (TypeError("x"), Exchange(), Kind.UNSUPPORTED),
        (MemoryError(), Exchange(), Kind.INTERNAL),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_went_over_the_wire_decides(cause: BaseException, exchange: Exchange, kind: Kind) -> None:
    assert failure_of(raised(OUTER, raised(RuntimeError(), cause)), exchange).kind is kind


def test_a_provider_s_own_words_are_taken_from_the_wire_and_cleaned() -> None:
    body = b'{"error": {"message": "slow down sk-0123456789abcdef https://x.example/y", "code": "rate_limit"}}'
    exchange = Exchange(sent=True, status=429, headers={"Retry-After": "7"}, error_body=body)
    found = failure_of(raised(ValueError("anything")), exchange)
    assert (found.kind, found.status, found.code, found.retry_after) == (Kind.RATE_LIMITED, 429, "rate_limit", 7.0)
    assert "slow down" in found.message
    assert not any(word in found.message for word in ("0123456789", "x.example"))


def test_what_litellm_foresees_is_told_in_its_words_and_nothing_else_is() -> None:
    foreseen = litellm.UnsupportedParamsError(message="does not support n", model="m", llm_provider="openai")
    assert "does not support n" in failure_of(raised(foreseen), Exchange()).message
    assert "secret" not in failure_of(raised(KeyError("secret")), Exchange()).message


def test_a_circle_of_causes_ends() -> None:
    first, second = RuntimeError(), RuntimeError()
    first.__cause__, second.__cause__ = second, first
    assert failure_of(first, Exchange()).kind is Kind.INTERNAL
