"""pydantic-ai: agents with tools and a typed output, by chat and by responses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.clients.common import BROKEN, BUSY, DOWN, EMBEDDER, LONG, MODELS, PIXEL, USE_TOOL, Person
from tests.double.client import Double

if TYPE_CHECKING:
    from pydantic_ai import Agent

#: Makes an agent: the model's name, whether by /v1/responses, and what the agent is to be.
Make = Callable[..., "Agent[None, Any]"]
WAYS = pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])


@pytest.fixture
async def make(address: str) -> AsyncIterator[Make]:
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    async with openai.AsyncOpenAI(base_url=address, api_key="unused", max_retries=0) as client:

        def agent(model: str = "default", responses: bool = False, **options: Any) -> Agent[None, Any]:
            kind = OpenAIResponsesModel if responses else OpenAIChatModel
            return Agent(kind(model, provider=OpenAIProvider(openai_client=client)), **options)

        yield agent


@WAYS
@pytest.mark.parametrize("model", MODELS)
async def test_a_run(make: Make, model: str, responses: bool) -> None:
    agent = make(model, responses, instructions="Be brief.", model_settings={"temperature": 0.2, "max_tokens": 50})
    run = await agent.run("hello")
    assert "hello" in run.output
    assert run.usage.output_tokens > 0
    again = await agent.run("and [[echo]]", message_history=run.all_messages())
    assert run.output in again.output


@WAYS
@pytest.mark.parametrize("model", MODELS)
async def test_a_streamed_run(make: Make, model: str, responses: bool) -> None:
    async with make(model, responses).run_stream("hello") as run:
        pieces = [piece async for piece in run.stream_text(delta=True, debounce_by=None)]
    assert len(pieces) > 1
    assert "hello" in "".join(pieces)
    assert run.usage.output_tokens > 0


@WAYS
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("model", MODELS)
async def test_a_tool_and_the_turn_that_follows(
    make: Make, provider: Double, model: str, stream: bool, responses: bool
) -> None:
    agent = make(model, responses)
    asked: list[str] = []

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather of a city."""
        asked.append(city)
        return "rain"

    if stream:
        async with agent.run_stream(USE_TOOL) as run:
            output = await run.get_output()
    else:
        output = (await agent.run(USE_TOOL)).output
    assert asked == ["text"]
    assert "rain" in output
    assert len(provider.calls()) == 2


@WAYS
@pytest.mark.parametrize("model", MODELS)
async def test_a_typed_output(make: Make, model: str, responses: bool) -> None:
    from pydantic_ai import NativeOutput, ToolOutput

    for output in (ToolOutput(Person), NativeOutput(Person)):
        assert (await make(model, responses, output_type=output).run("hello")).output == Person(name="text", age=0)


@WAYS
@pytest.mark.parametrize("model", MODELS)
async def test_an_image(make: Make, provider: Double, model: str, responses: bool) -> None:
    import base64

    from pydantic_ai import BinaryContent

    image = BinaryContent(data=base64.b64decode(PIXEL), media_type="image/png")
    await make(model, responses).run(["what is it?", image])
    assert PIXEL in json.dumps(provider.calls()[0]["body"])


async def test_embeddings(address: str) -> None:
    from pydantic_ai import Embedder
    from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
    from pydantic_ai.providers.openai import OpenAIProvider

    async with openai.AsyncOpenAI(base_url=address, api_key="unused", max_retries=0) as client:
        embedder = Embedder(OpenAIEmbeddingModel(EMBEDDER, provider=OpenAIProvider(openai_client=client)))
        found = await embedder.embed_documents(["one", "two"])
    assert len(found.embeddings) == 2


@WAYS
async def test_errors(make: Make, provider: Double, responses: bool) -> None:
    from pydantic_ai import ModelHTTPError

    async def status(model: str, *faults: Any) -> int:
        provider.script("any", *faults, then="repeat")
        with pytest.raises(ModelHTTPError) as failed:
            await make(model, responses).run("hello")
        return failed.value.status_code

    assert await status("gpt-9") == 404
    assert await status("default", BUSY) == 429
    assert await status("default", DOWN) == 503


@WAYS
async def test_its_own_fallback_takes_over(make: Make, responses: bool) -> None:
    from pydantic_ai import Agent
    from pydantic_ai.models.fallback import FallbackModel

    first, second = make("gpt-9", responses).model, make("default", responses).model
    assert first is not None and second is not None
    assert "hello" in (await Agent(FallbackModel(first, second)).run("hello")).output


@WAYS
async def test_a_broken_stream_never_ends_quietly(make: Make, provider: Double, responses: bool) -> None:
    from pydantic_ai import ModelAPIError

    provider.script("any", BROKEN, then="repeat")
    async with make(responses=responses).run_stream("hello") as run:
        with pytest.raises((openai.APIError, ModelAPIError), match="broke off"):
            await run.get_output()


@WAYS
async def test_leaving_in_mid_stream(make: Make, provider: Double, responses: bool) -> None:
    import asyncio

    provider.settings(chunk_interval_ms=100)
    async with make(responses=responses).run_stream(LONG) as run:
        assert "w1" in await anext(run.stream_text(debounce_by=None))
        await run.cancel()
    (call,) = await asyncio.to_thread(provider.wait_calls, 1)
    assert call["outcome"] == "aborted" and call["chunks_sent"] < 40
