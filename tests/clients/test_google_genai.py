"""Google's Python client for Gemini, by the paths of both its versions."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.common import (
    BROKEN,
    BUSY,
    DOWN,
    EMBEDDER,
    LISTED,
    LONG,
    MASTER,
    MODELS,
    PIXEL,
    SILENT,
    USE_TOOL,
    Person,
)
from tests.double.client import Double
from tests.support.gateway import GatewayProcess

if TYPE_CHECKING:
    from google import genai

# Of the client's own use of aiohttp.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")


def connected(url: str, key: str = "unused", **options: Any) -> genai.Client:
    """A client that tries once only; ``options`` of its HTTP."""
    from google import genai

    http: Any = {"base_url": url, "retry_options": {"attempts": 1}, **options}
    return genai.Client(api_key=key, http_options=http)


@pytest.fixture
def client(lean: GatewayProcess, provider: Double) -> Iterator[genai.Client]:
    with connected(lean.url) as made:
        yield made


@pytest.mark.parametrize("model", MODELS)
def test_content(client: genai.Client, model: str) -> None:
    reply = client.models.generate_content(
        model=model,
        contents="hello",
        config={
            "system_instruction": "Be brief.",
            "temperature": 0.2,
            "top_p": 0.9,
            "max_output_tokens": 50,
            "stop_sequences": ["END"],
            "seed": 1,
        },
    )
    assert "hello" in (reply.text or "")
    assert reply.model_version == model
    assert reply.candidates and reply.candidates[0].finish_reason == "STOP"
    assert reply.usage_metadata and reply.usage_metadata.total_token_count


@pytest.mark.parametrize("model", MODELS)
def test_streamed_content(client: genai.Client, model: str) -> None:
    chunks = list(client.models.generate_content_stream(model=model, contents="hello"))
    assert len(chunks) > 1
    assert "hello" in "".join(chunk.text or "" for chunk in chunks)
    last = chunks[-1]
    assert last.candidates and last.candidates[0].finish_reason == "STOP"
    assert last.usage_metadata and last.usage_metadata.total_token_count


async def test_streamed_content_of_the_async_client(lean: GatewayProcess, provider: Double) -> None:
    async with connected(lean.url).aio as client:
        stream = await client.models.generate_content_stream(model="gpt-4o-mini", contents="hello")
        assert "hello" in "".join([chunk.text or "" async for chunk in stream])


@pytest.mark.parametrize("model", MODELS)
def test_a_function_that_the_client_calls_by_itself(client: genai.Client, provider: Double, model: str) -> None:
    asked: list[str] = []

    def get_weather(city: str) -> str:
        """The weather of a city."""
        asked.append(city)
        return "rain"

    reply = client.models.generate_content(model=model, contents=USE_TOOL, config={"tools": [get_weather]})
    assert asked == ["text"]
    assert "rain" in (reply.text or "")
    assert len(provider.calls()) == 2


@pytest.mark.parametrize("model", MODELS)
def test_a_chat_with_functions_and_the_turn_that_follows(client: genai.Client, model: str) -> None:
    from google.genai import types

    city = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
    declared: Any = [{"name": name, "description": name, "parameters": city} for name in ("get_weather", "get_news")]
    chat = client.chats.create(model=model, config={"tools": [{"function_declarations": declared}]})
    chunks = list(chat.send_message_stream("use both tools"))
    calls = [call for chunk in chunks for call in chunk.function_calls or []]
    assert [(call.name, call.args) for call in calls] == [
        ("get_weather", {"city": "text"}),
        ("get_news", {"city": "text"}),
    ]
    results: Any = [
        types.Part.from_function_response(name=call.name or "", response={"result": f"by {call.name}"})
        for call in calls
    ]
    assert "by get_news" in (chat.send_message(results).text or "")


@pytest.mark.parametrize("model", MODELS)
def test_structured_output(client: genai.Client, model: str) -> None:
    config: Any = {"response_mime_type": "application/json", "response_schema": Person}
    reply = client.models.generate_content(model=model, contents="hello", config=config)
    assert reply.parsed == Person(name="text", age=0)


@pytest.mark.parametrize("model", MODELS)
def test_an_image(client: genai.Client, provider: Double, model: str) -> None:
    from google.genai import types

    image = types.Part.from_bytes(data=base64.b64decode(PIXEL), mime_type="image/png")
    client.models.generate_content(model=model, contents=["what is it?", image])
    assert PIXEL in json.dumps(provider.calls()[0]["body"])


def test_several_candidates(client: genai.Client) -> None:
    reply = client.models.generate_content(model="gpt-4o-mini", contents="hello", config={"candidate_count": 2})
    assert len(reply.candidates or []) == 2


def test_embeddings(client: genai.Client) -> None:
    reply = client.models.embed_content(model=EMBEDDER, contents=["one", "two"])
    assert reply.embeddings is not None and len(reply.embeddings) == 2
    assert reply.embeddings[0].values != reply.embeddings[1].values
    config: Any = {"output_dimensionality": 4}
    short = client.models.embed_content(model=EMBEDDER, contents="one", config=config).embeddings or []
    assert [len(one.values or []) for one in short] == [4]


def test_counted_tokens(client: genai.Client, provider: Double) -> None:
    assert (client.models.count_tokens(model="default", contents="hello").total_tokens or 0) > 0
    assert provider.calls() == []


@pytest.mark.parametrize("version", ["v1", "v1beta"])  # the first is this client's choice, the second was for years
def test_models(lean: GatewayProcess, version: str) -> None:
    with connected(lean.url, api_version=version) as client:
        assert client.models.get(model="gpt-4o-mini").name == "models/gpt-4o-mini"
        assert [model.name for model in client.models.list()] == [f"models/{name}" for name in LISTED]


def test_content_by_v1beta(lean: GatewayProcess, provider: Double) -> None:
    with connected(lean.url, api_version="v1beta") as client:
        assert "hello" in (client.models.generate_content(model="default", contents="hello").text or "")
        chunks = list(client.models.generate_content_stream(model="default", contents="hello"))
        assert "hello" in "".join(chunk.text or "" for chunk in chunks)


def test_what_is_refused_here(client: genai.Client, provider: Double) -> None:
    from google.genai import errors

    for model, config, code, status in (
        ("default", {"temperature": 9}, 400, "INVALID_ARGUMENT"),
        ("default", {"http_options": {"extra_body": {"api_base": "http://x"}}}, 400, "INVALID_ARGUMENT"),
        ("gemini-9", {}, 404, "NOT_FOUND"),
    ):
        with pytest.raises(errors.ClientError) as refused:
            client.models.generate_content(model=model, contents="hello", config=config)  # type: ignore[arg-type]
        assert (refused.value.code, refused.value.status) == (code, status)
        assert refused.value.message
    assert provider.calls() == []


@pytest.mark.parametrize("model", MODELS)
def test_a_provider_that_fails(client: genai.Client, provider: Double, model: str) -> None:
    from google.genai import errors

    provider.script("any", BUSY, then="repeat")
    with pytest.raises(errors.ClientError) as busy:
        client.models.generate_content(model=model, contents="hello")
    assert (busy.value.code, busy.value.status) == (429, "RESOURCE_EXHAUSTED")
    provider.script("any", DOWN, then="repeat")
    with pytest.raises(errors.ServerError) as down:
        client.models.generate_content(model=model, contents="hello")
    assert (down.value.code, down.value.status) == (503, "UNAVAILABLE")


@pytest.mark.parametrize("model", MODELS)
def test_a_broken_stream_never_ends_quietly(client: genai.Client, provider: Double, model: str) -> None:
    from google.genai import errors

    provider.script("any", BROKEN, then="repeat")
    stream = client.models.generate_content_stream(model=model, contents="hello")
    assert next(stream).text
    with pytest.raises(errors.APIError, match="broke off"):
        list(stream)


@pytest.mark.parametrize("model", MODELS)
def test_the_clients_own_timeout(lean: GatewayProcess, provider: Double, model: str) -> None:
    provider.script("any", SILENT, then="repeat")
    with connected(lean.url, timeout=500) as client, pytest.raises(Exception, match="timed out"):  # milliseconds
        client.models.generate_content(model=model, contents="hello")
    assert provider.wait_calls(1)[0]["outcome"] == "aborted"


async def test_leaving_in_mid_stream(lean: GatewayProcess, provider: Double) -> None:
    provider.settings(chunk_interval_ms=100)
    async with connected(lean.url).aio as client:
        stream = await client.models.generate_content_stream(model="default", contents=LONG)
        assert isinstance(stream, AsyncIterator)
        assert "w1" in ((await anext(stream)).text or "")
        await stream.aclose()  # type: ignore[attr-defined]
    (call,) = provider.wait_calls(1)
    assert call["outcome"] == "aborted" and call["chunks_sent"] < 40


def test_keys(guarded: GatewayProcess, provider: Double) -> None:
    from google.genai import errors

    with connected(guarded.url, MASTER) as client:
        assert client.models.generate_content(model="default", contents="hello").text
    with connected(guarded.url, "wrong") as client, pytest.raises(errors.ClientError) as wrong:
        client.models.generate_content(model="default", contents="hello")
    assert (wrong.value.code, wrong.value.status) == (401, "UNAUTHENTICATED")
