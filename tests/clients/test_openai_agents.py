"""openai-agents: runs by /v1/responses, as they are made without a word to the contrary, and by chat."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.clients.common import BROKEN, BUSY, DOWN, LONG, MODELS, USE_TOOL, Person
from tests.double.client import Double

if TYPE_CHECKING:
    from agents import Agent

#: Makes an agent: the model's name, whether by /v1/responses, and what the agent is to be.
Make = Callable[..., "Agent[Any]"]
WAYS = pytest.mark.parametrize("responses", [True, False], ids=["responses", "chat"])


@pytest.fixture
async def make(address: str) -> AsyncIterator[Make]:
    from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, set_tracing_disabled

    set_tracing_disabled(True)
    async with openai.AsyncOpenAI(base_url=address, api_key="unused", max_retries=0) as client:

        def agent(model: str = "default", responses: bool = True, **options: Any) -> Agent[Any]:
            kind = OpenAIResponsesModel if responses else OpenAIChatCompletionsModel
            return Agent(name="a", model=kind(model, openai_client=client), **options)

        yield agent


@WAYS
@pytest.mark.parametrize("model", MODELS)
async def test_a_run(make: Make, model: str, responses: bool) -> None:
    from agents import ModelSettings, Runner

    settings = ModelSettings(temperature=0.2, max_tokens=50)
    agent = make(model, responses, instructions="Be brief.", model_settings=settings)
    run = await Runner.run(agent, "hello")
    assert "hello" in run.final_output
    assert run.context_wrapper.usage.output_tokens > 0
    again = await Runner.run(agent, [*run.to_input_list(), {"role": "user", "content": "and [[echo]]"}])
    assert run.final_output in again.final_output


async def test_a_run_with_nothing_but_the_address_changed(
    address: str, provider: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agents import Agent, Runner, set_default_openai_client

    monkeypatch.setenv("OPENAI_BASE_URL", address)
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    async with openai.AsyncOpenAI() as client:
        set_default_openai_client(client, use_for_tracing=False)
        run = await Runner.run(Agent(name="a", model="gpt-4o-mini"), "hello")
    assert "hello" in run.final_output


@WAYS
@pytest.mark.parametrize("model", MODELS)
async def test_a_streamed_run(make: Make, model: str, responses: bool) -> None:
    from agents import Runner

    run = Runner.run_streamed(make(model, responses), "hello")
    pieces = [
        event.data.delta
        async for event in run.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]
    assert len(pieces) > 1
    assert "".join(pieces) == run.final_output
    assert "hello" in run.final_output


@WAYS
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("model", MODELS)
async def test_tools_at_once_and_the_turn_that_follows(
    make: Make, provider: Double, model: str, stream: bool, responses: bool
) -> None:
    from agents import Runner, function_tool

    asked: list[str] = []

    @function_tool
    def get_weather(city: str) -> str:
        """The weather of a city."""
        asked.append(f"weather of {city}")
        return "rain"

    @function_tool
    def get_news(topic: str) -> str:
        """What happened."""
        asked.append(f"news of {topic}")
        return "elections"

    agent = make(model, responses, tools=[get_weather, get_news])
    if stream:
        run: Any = Runner.run_streamed(agent, "use both tools")
        assert [event.type async for event in run.stream_events()]
    else:
        run = await Runner.run(agent, "use both tools")
    assert sorted(asked) == ["news of text", "weather of text"]
    assert "elections" in run.final_output
    assert len(provider.calls()) == 2


@WAYS
@pytest.mark.parametrize("model", MODELS)
async def test_a_typed_output(make: Make, model: str, responses: bool) -> None:
    from agents import Runner

    run = await Runner.run(make(model, responses, output_type=Person), "hello")
    assert run.final_output == Person(name="text", age=0)


@WAYS
async def test_a_handoff(make: Make, responses: bool) -> None:
    from agents import Runner

    other = make("gpt-4o-mini", responses)
    other.name = "other"
    first: Agent[Any] = make("gemini-2.0-flash", responses, handoffs=[other])
    run = await Runner.run(first, USE_TOOL)
    assert run.last_agent is other
    assert run.final_output


@WAYS
async def test_errors(make: Make, provider: Double, responses: bool) -> None:
    from agents import Runner

    for model, faults, error in (
        ("gpt-9", [], openai.NotFoundError),
        ("default", [BUSY], openai.RateLimitError),
        ("default", [DOWN], openai.InternalServerError),
    ):
        provider.script("any", *faults, then="repeat")
        with pytest.raises(error):
            await Runner.run(make(model, responses), "hello")


@WAYS
async def test_a_broken_stream_never_ends_quietly(make: Make, provider: Double, responses: bool) -> None:
    from agents import Runner

    provider.script("any", BROKEN, then="repeat")
    run = Runner.run_streamed(make(responses=responses), "hello")
    with pytest.raises(Exception, match="broke off"):
        [event async for event in run.stream_events()]


@WAYS
async def test_leaving_in_mid_stream(make: Make, provider: Double, responses: bool) -> None:
    import asyncio

    from agents import Runner

    provider.settings(chunk_interval_ms=100)
    run = Runner.run_streamed(make(responses=responses), LONG)
    async for event in run.stream_events():
        if event.type == "raw_response_event" and "w2" in str(getattr(event.data, "delta", "")):
            run.cancel()
    (call,) = await asyncio.to_thread(provider.wait_calls, 1)
    assert call["outcome"] == "aborted" and call["chunks_sent"] < 40
