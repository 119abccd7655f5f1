"""langchain-openai: OpenAI's client under LangChain's messages, tools and structured output."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.clients.common import BROKEN, BUSY, DOWN, EMBEDDER, LONG, MODELS, PIXEL, SILENT, USE_TOOL, Person
from tests.double.client import Double

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool
    from langchain_openai import ChatOpenAI


def chat(address: str, model: str = "default", **options: Any) -> ChatOpenAI:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model=model, base_url=address, api_key="unused", max_retries=0, **options)  # type: ignore[arg-type]


def weather() -> BaseTool:
    from langchain_core.tools import tool

    @tool
    def get_weather(city: str) -> str:
        """The weather of a city."""
        return f"rain in {city}"

    return get_weather


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])
def test_chat(address: str, model: str, responses: bool) -> None:
    client = chat(address, model, temperature=0.2, max_tokens=50, use_responses_api=responses)
    reply = client.invoke([("system", "Be brief."), ("human", "hello")])
    assert "hello" in reply.text
    assert reply.usage_metadata is not None and reply.usage_metadata["output_tokens"] > 0
    assert reply.response_metadata["model_name"] == model


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])
@pytest.mark.asyncio(loop_scope="module")  # it keeps its connections, whatever the loop they were made in
async def test_streamed_chat(address: str, model: str, responses: bool) -> None:
    client = chat(address, model, stream_usage=True, use_responses_api=responses)
    chunks = [chunk async for chunk in client.astream("hello")]
    assert len([chunk for chunk in chunks if chunk.text]) > 1
    assert "hello" in "".join(chunk.text for chunk in chunks)
    usage: list[Any] = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    assert len(usage) == 1 and usage[0]["output_tokens"] > 0


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])
def test_a_tool_and_the_turn_that_follows(address: str, model: str, responses: bool) -> None:
    tool = weather()
    client = chat(address, model, use_responses_api=responses).bind_tools([tool])
    messages: list[Any] = [("human", USE_TOOL)]
    whole: Any = None
    for chunk in client.stream(messages):
        whole = chunk if whole is None else whole + chunk
    assert [(call["name"], call["args"]) for call in whole.tool_calls] == [("get_weather", {"city": "text"})]
    messages += [whole, *(tool.invoke(call) for call in whole.tool_calls)]
    assert "rain in text" in client.invoke(messages).text


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(address: str, model: str, method: Any) -> None:
    client = chat(address, model).with_structured_output(Person, method=method)
    assert client.invoke("hello") == Person(name="text", age=0)


def test_structured_output_by_json_mode(address: str) -> None:
    client = chat(address).with_structured_output(Person, method="json_mode")
    assert client.invoke('[[say:{"name": "Ada", "age": 36}]] as JSON') == Person(name="Ada", age=36)


@pytest.mark.parametrize("model", MODELS)
def test_an_image(address: str, provider: Double, model: str) -> None:
    from langchain_core.messages import HumanMessage

    parts: Any = [
        {"type": "text", "text": "what is it?"},
        {"type": "image", "base64": PIXEL, "mime_type": "image/png"},
    ]
    chat(address, model).invoke([HumanMessage(content=parts)])
    assert PIXEL in json.dumps(provider.calls()[0]["body"])


def test_embeddings(address: str) -> None:
    from langchain_openai import OpenAIEmbeddings

    # Its own way is to send tokens; for them it fetches a table that this machine does not have.
    client = OpenAIEmbeddings(
        model=EMBEDDER,
        base_url=address,
        api_key="unused",  # type: ignore[arg-type]
        dimensions=4,
        check_embedding_ctx_length=False,
    )
    assert [len(vector) for vector in client.embed_documents(["one", "two"])] == [4, 4]
    assert len(client.embed_query("one")) == 4


def test_errors(address: str, provider: Double) -> None:
    with pytest.raises(openai.NotFoundError, match="gpt-4o-mini"):
        chat(address, "gpt-9").invoke("hello")
    with pytest.raises(openai.BadRequestError) as bad:
        chat(address, temperature=9).invoke("hello")
    assert bad.value.param == "temperature"
    provider.script("any", BUSY, then="repeat")
    with pytest.raises(openai.RateLimitError):
        chat(address).invoke("hello")
    provider.script("any", DOWN, then="repeat")
    with pytest.raises(openai.InternalServerError):
        chat(address).invoke("hello")
    provider.script("any", SILENT, then="repeat")
    with pytest.raises(openai.APITimeoutError):
        chat(address, timeout=0.5).invoke("hello")


def test_its_own_fallback_takes_over(address: str, provider: Double) -> None:
    provider.script("gemini", DOWN, then="repeat")
    provider.script("openai", DOWN, then="repeat")
    client = chat(address).with_fallbacks([chat(address, "gpt-4o-mini")])
    with pytest.raises(openai.InternalServerError):
        client.invoke("hello")
    provider.script("openai", then="ok")
    assert "hello" in client.invoke("hello").text


def test_a_broken_stream_never_ends_quietly(address: str, provider: Double) -> None:
    provider.script("any", BROKEN, then="repeat")
    with pytest.raises(openai.APIError, match="broke off"):
        list(chat(address).stream("hello"))


@pytest.mark.asyncio(loop_scope="module")
async def test_leaving_in_mid_stream(address: str, provider: Double) -> None:
    provider.settings(chunk_interval_ms=100)

    async def read() -> None:
        async for chunk in chat(address).astream(LONG):
            if "w2" in chunk.text:
                task.cancel()

    task = asyncio.create_task(read())
    with pytest.raises(asyncio.CancelledError):
        await task
    (call,) = await asyncio.to_thread(provider.wait_calls, 1)
    assert call["outcome"] == "aborted" and call["chunks_sent"] < 40
