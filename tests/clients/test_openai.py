"""OpenAI's Python client, and with it every route of OpenAI's that a model answers as chat."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import openai
import pytest
from pydantic import BaseModel, Field

from tests.clients.common import BROKEN, BUSY, DOWN, EMBEDDER, LISTED, LONG, MASTER, MODELS, PIXEL, SILENT, Person
from tests.double.client import Double
from tests.support.gateway import GatewayProcess

HELLO: Any = [{"role": "user", "content": "hello"}]


class Weather(BaseModel):
    """The weather of a city."""

    city: str = Field(description="its name")


@pytest.fixture
async def client(address: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=address, api_key="unused", max_retries=0) as made:
        yield made


@pytest.mark.parametrize("model", MODELS)
async def test_chat(client: openai.AsyncOpenAI, model: str) -> None:
    reply = await client.chat.completions.create(
        model=model,
        messages=[{"role": "developer", "content": "Be brief."}, *HELLO],
        temperature=0.2,
        top_p=0.9,
        max_completion_tokens=50,
        stop=["END"],
        seed=1,
        user="anna",
        metadata={"a": "b"},
        store=False,
    )
    assert (reply.object, reply.model) == ("chat.completion", model)
    assert "hello" in (reply.choices[0].message.content or "")
    assert reply.usage is not None and reply.usage.total_tokens > reply.usage.completion_tokens > 0


@pytest.mark.parametrize("model", MODELS)
async def test_streamed_chat(client: openai.AsyncOpenAI, model: str) -> None:
    async with client.chat.completions.stream(
        model=model, messages=HELLO, stream_options={"include_usage": True}
    ) as stream:
        texts = [event.delta async for event in stream if event.type == "content.delta"]
        whole = await stream.get_final_completion()
    assert len(texts) > 1
    assert "".join(texts) == whole.choices[0].message.content
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage is not None and whole.usage.completion_tokens > 0


@pytest.mark.parametrize("model", MODELS)
async def test_tools_at_once_and_the_turn_that_follows(
    client: openai.AsyncOpenAI, provider: Double, model: str
) -> None:
    class News(BaseModel):
        """What happened."""

        topic: str

    tools = [openai.pydantic_function_tool(Weather), openai.pydantic_function_tool(News)]
    messages: list[Any] = [{"role": "user", "content": "use both tools"}]
    async with client.chat.completions.stream(model=model, messages=messages, tools=tools) as stream:
        message = (await stream.get_final_completion()).choices[0].message
    assert [repr(call.function.parsed_arguments) for call in message.tool_calls or []] == [
        "Weather(city='text')",
        "News(topic='text')",
    ]
    messages.append(message)  # as it came: with what the client has made of it
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": f"said by {call.function.name}"}
        for call in message.tool_calls or []
    ]
    second = await client.chat.completions.create(model=model, messages=messages, tools=tools)
    assert "said by News" in (second.choices[0].message.content or "")
    assert "parsed" not in json.dumps(provider.calls()[-1]["body"])


@pytest.mark.parametrize("model", MODELS)
async def test_structured_output(client: openai.AsyncOpenAI, model: str) -> None:
    whole = await client.chat.completions.parse(model=model, messages=HELLO, response_format=Person)
    assert whole.choices[0].message.parsed == Person(name="text", age=0)
    async with client.chat.completions.stream(model=model, messages=HELLO, response_format=Person) as stream:
        streamed = await stream.get_final_completion()
    message = streamed.choices[0].message
    assert message.parsed == Person(name="text", age=0)
    messages: Any = [*HELLO, message, {"role": "user", "content": "and now?"}]
    assert (await client.chat.completions.create(model=model, messages=messages)).choices[0].message.content


async def test_several_choices_with_their_logprobs(client: openai.AsyncOpenAI) -> None:
    reply = await client.chat.completions.create(
        model="gpt-4o-mini", messages=HELLO, n=2, logprobs=True, top_logprobs=1
    )
    assert [choice.index for choice in reply.choices] == [0, 1]
    for choice in reply.choices:
        assert choice.logprobs is not None and choice.logprobs.content is not None
        assert "".join(token.token for token in choice.logprobs.content) == choice.message.content
    stream = await client.chat.completions.create(
        model="gpt-4o-mini", messages=HELLO, n=2, logprobs=True, top_logprobs=1, stream=True
    )
    texts, tokens = ["", ""], ["", ""]
    async for chunk in stream:
        for each in chunk.choices:
            texts[each.index] += each.delta.content or ""
            tokens[each.index] += "".join(one.token for one in (each.logprobs and each.logprobs.content) or [])
    assert texts == tokens == [reply.choices[0].message.content] * 2


async def test_several_choices_of_gemini(client: openai.AsyncOpenAI) -> None:
    reply = await client.chat.completions.create(model="gemini-2.0-flash", messages=HELLO, n=2)
    assert [choice.message.content for choice in reply.choices] == [reply.choices[0].message.content] * 2


@pytest.mark.parametrize("model", MODELS)
async def test_an_image(client: openai.AsyncOpenAI, provider: Double, model: str) -> None:
    image: Any = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}", "detail": "low"}}
    parts: Any = [{"type": "text", "text": "what is it?"}, image]
    await client.chat.completions.create(model=model, messages=[{"role": "user", "content": parts}])
    assert PIXEL in json.dumps(provider.calls()[0]["body"])


async def test_embeddings(client: openai.AsyncOpenAI) -> None:
    packed = await client.embeddings.create(model=EMBEDDER, input=["one", "two"])  # base64, by the client's choice
    floats = await client.embeddings.create(model=EMBEDDER, input=["one", "two"], encoding_format="float")
    for one, other in zip(packed.data, floats.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
    short = await client.embeddings.create(model=EMBEDDER, input="one", dimensions=4)
    assert len(short.data[0].embedding) == 4


async def test_models(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == LISTED
    assert (await client.models.retrieve("default")).object == "model"


async def test_what_is_refused_here(client: openai.AsyncOpenAI, provider: Double) -> None:
    create = client.chat.completions.create
    with pytest.raises(openai.BadRequestError) as bad:
        await create(model="default", messages=HELLO, temperature=9)
    assert (bad.value.param, bad.value.type) == ("temperature", "invalid_request_error")
    with pytest.raises(openai.BadRequestError) as unknown:
        await create(model="default", messages=HELLO, extra_body={"api_key": "another"})
    assert (unknown.value.code, unknown.value.param) == ("unknown_parameter", "api_key")
    with pytest.raises(openai.NotFoundError, match="gpt-4o-mini") as missing:
        await create(model="gpt-9", messages=HELLO)
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    assert provider.calls() == []


async def test_a_body_that_is_too_large(client: openai.AsyncOpenAI, provider: Double) -> None:
    messages: Any = [{"role": "user", "content": "x" * 5_000_000}]
    with pytest.raises(openai.APIStatusError) as large:
        await client.chat.completions.create(model="default", messages=messages)
    assert large.value.status_code == 413
    assert provider.calls() == []


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_provider_that_fails(client: openai.AsyncOpenAI, provider: Double, model: str, stream: bool) -> None:
    async def ask() -> Any:
        return await client.chat.completions.create(model=model, messages=HELLO, stream=stream)

    provider.script("any", BUSY, then="repeat")
    with pytest.raises(openai.RateLimitError) as busy:
        await ask()
    assert 0 < int(busy.value.response.headers["retry-after"]) <= 9
    provider.script("any", {"kind": "context_too_long"}, then="repeat")
    with pytest.raises(openai.BadRequestError):
        await ask()
    provider.script("any", DOWN, then="repeat")
    with pytest.raises(openai.InternalServerError) as down:
        await ask()
    assert down.value.status_code == 503
    assert down.value.request_id


@pytest.mark.parametrize("model", MODELS)
async def test_a_broken_stream_never_ends_quietly(client: openai.AsyncOpenAI, provider: Double, model: str) -> None:
    provider.script("any", BROKEN, then="repeat")
    stream = await client.chat.completions.create(model=model, messages=HELLO, stream=True)
    assert (await anext(stream)).choices
    with pytest.raises(openai.APIError, match="broke off"):
        [chunk async for chunk in stream]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_the_clients_own_timeout(client: openai.AsyncOpenAI, provider: Double, model: str, stream: bool) -> None:
    provider.script("any", SILENT, then="repeat")
    with pytest.raises(openai.APITimeoutError):
        await client.chat.completions.create(model=model, messages=HELLO, stream=stream, timeout=0.5)
    assert provider.wait_calls(1)[0]["outcome"] == "aborted"


@pytest.mark.parametrize("model", MODELS)
async def test_leaving_in_mid_stream(client: openai.AsyncOpenAI, provider: Double, model: str) -> None:
    provider.settings(chunk_interval_ms=100)
    messages: Any = [{"role": "user", "content": LONG}]
    stream = await client.chat.completions.create(model=model, messages=messages, stream=True)
    async for chunk in stream:
        if "w2" in (chunk.choices[0].delta.content or ""):
            break
    await stream.close()
    (call,) = await asyncio.to_thread(provider.wait_calls, 1)
    assert call["outcome"] == "aborted" and call["chunks_sent"] < 40


async def test_a_cancelled_task(client: openai.AsyncOpenAI, provider: Double) -> None:
    provider.script("any", SILENT, then="repeat")
    task = asyncio.create_task(client.chat.completions.create(model="default", messages=HELLO))
    while not await asyncio.to_thread(provider.calls):
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (call,) = await asyncio.to_thread(provider.wait_calls, 1)
    assert call["outcome"] == "aborted"


@pytest.fixture
def caller(guarded: GatewayProcess, provider: Double) -> Iterator[Callable[..., openai.OpenAI]]:
    """Makes a client with a key."""
    with ExitStack() as stack:
        yield lambda key, retries=0: stack.enter_context(
            openai.OpenAI(base_url=f"{guarded.url}/v1", api_key=key, max_retries=retries)
        )


def test_retry_after_is_what_the_client_waits(caller: Callable[..., openai.OpenAI], provider: Double) -> None:
    provider.script("openai", BUSY | {"retry_after": 2})
    assert caller(MASTER, retries=1).chat.completions.create(model="gpt-4o-mini", messages=HELLO).choices
    first, second = provider.calls()
    assert second["started"] - first["ended"] >= 1.9  # its own first pause is of half a second


@pytest.mark.parametrize("size", [10, 4_000_000])
def test_a_wrong_key(caller: Callable[..., openai.OpenAI], provider: Double, size: int) -> None:
    messages: Any = [{"role": "user", "content": "x" * size}]
    with pytest.raises(openai.AuthenticationError) as unknown:
        caller("wrong").chat.completions.create(model="default", messages=messages)
    assert unknown.value.code == "invalid_api_key"
    assert provider.calls() == []


def test_a_key_for_some_models(
    guarded: GatewayProcess, caller: Callable[..., openai.OpenAI], make_key: Callable[..., str]
) -> None:
    crm = caller(make_key(guarded, "crm", "--models", "gpt-4o-mini"))
    assert crm.chat.completions.create(model="gpt-4o-mini", messages=HELLO).choices
    assert [model.id for model in crm.models.list()] == ["gpt-4o-mini"]
    with pytest.raises(openai.PermissionDeniedError, match="gpt-4o-mini") as denied:
        crm.chat.completions.create(model="gemini-2.0-flash", messages=HELLO)
    assert denied.value.code == "model_not_allowed"
