from __future__ import annotations

import json
from typing import Any

import httpx
import litellm
import pytest

from gateway.contract import Operation
from gateway.lanes.catalog import RouterPicker
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


class Lane:
    """LiteLLM's lane over a Router with the two providers of the double."""

    def __init__(self, configuration: Configuration, double: Double) -> None:
        models = MODELS % (double.gemini_base, double.openai_base, double.openai_base)
        plan = configuration.plan(models, gateway=GATEWAY)
        self.targets = {deployment.group: deployment for deployment in plan.deployments}
        self._lane = LiteLLMLane(RouterPicker(plan).router)

    def target(self, name: str) -> Deployment:
        return self.targets[name]

    async def answer(self, name: str, *, stream: bool = False, **params: Any) -> dict[str, Any]:
        call = make_call(params={"messages": HELLO, **params}, stream=stream)
        return completion(await collect(self._lane.attempt(self.targets[name], call)))

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
    ids=str,
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


def known(kind: type[Any], **fields: Any) -> BaseException:
    return raised(kind(**{"message": "m", "model": "m", "llm_provider": "openai", **fields}))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (known(litellm.ContextWindowExceededError), Kind.TOO_LONG),
        (known(litellm.ContentPolicyViolationError), Kind.REFUSED),
        (known(litellm.UnsupportedParamsError), Kind.UNSUPPORTED),
        (known(litellm.RateLimitError), Kind.RATE_LIMITED),
        (known(litellm.AuthenticationError), Kind.BAD_KEY),
        (known(litellm.NotFoundError), Kind.MODEL_GONE),
        (known(litellm.ServiceUnavailableError), Kind.OVERLOADED),
        (known(litellm.InternalServerError), Kind.SERVER_ERROR),
        (known(litellm.BadRequestError), Kind.REJECTED),
        (known(litellm.BadRequestError, message="API key not valid."), Kind.BAD_KEY),
        (known(litellm.APIConnectionError), Kind.CONNECT),
        (raised(ValueError("x")), Kind.INTERNAL),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_exception_of_litellm_s_is_told_for_what_it_is(error: BaseException, kind: Kind) -> None:
    assert failure_of(error).kind is kind


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (httpx.ConnectError("x"), Kind.CONNECT),
        (httpx.ConnectTimeout("x"), Kind.CONNECT),
        (ConnectionRefusedError(), Kind.CONNECT),
        (httpx.ReadTimeout("x"), Kind.SLOW),
        (TimeoutError(), Kind.SLOW),
        (httpx.RemoteProtocolError("x"), Kind.RESET),
        (ConnectionResetError(), Kind.RESET),
        (KeyError("x"), Kind.UNSUPPORTED),
        (TypeError("x"), Kind.UNSUPPORTED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_caused_litellm_s_exception_decides(cause: BaseException, kind: Kind) -> None:
    outer = litellm.APIConnectionError(message="m", llm_provider="openai", model="m")
    assert failure_of(raised(outer, raised(RuntimeError(), cause))).kind is kind


def test_a_circle_of_causes_ends() -> None:
    first, second = RuntimeError(), RuntimeError()
    first.__cause__, second.__cause__ = second, first
    assert failure_of(first).kind is Kind.INTERNAL


def test_litellm_s_message_is_cleaned_and_its_wait_is_read() -> None:
    response = httpx.Response(429, headers={"retry-after": "7"}, request=httpx.Request("POST", "http://x"))
    message = "slow down sk-0123456789abcdef https://x.example/y Received Model Group=secret"
    found = failure_of(known(litellm.RateLimitError, message=message, response=response))
    assert (found.kind, found.status, found.retry_after) == (Kind.RATE_LIMITED, 429, 7.0)
    assert "slow down" in found.message
    assert not any(word in found.message for word in ("0123456789", "x.example", "secret"))
