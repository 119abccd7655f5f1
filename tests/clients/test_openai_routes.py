"""OpenAI's Python client by the routes beside chat: responses, completions, images, sound, files, batches."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from tests.clients.common import BROKEN, BUSY, DOWN, LONG, MASTER, MODELS, PIXEL, SILENT, Person
from tests.double.client import Double
from tests.support.gateway import GatewayProcess

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS: Any = [
    {"type": "function", "name": name, "description": name, "parameters": CITY, "strict": True}
    for name in ("get_weather", "get_news")
]
SOUND = ("a.wav", b"RIFF" + bytes(400), "audio/wav")


@pytest.fixture
async def client(guarded: GatewayProcess, provider: Double) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{guarded.url}/v1", api_key=MASTER, max_retries=0) as made:
        yield made


@pytest.mark.parametrize("model", MODELS)
async def test_a_response(client: openai.AsyncOpenAI, model: str) -> None:
    reply = await client.responses.create(
        model=model, input="hello", instructions="Be brief.", max_output_tokens=50, temperature=0.2, store=False
    )
    assert (reply.status, reply.model) == ("completed", model)
    assert "hello" in reply.output_text
    assert reply.usage is not None and reply.usage.total_tokens > reply.usage.output_tokens > 0


@pytest.mark.parametrize("model", MODELS)
async def test_a_streamed_response(client: openai.AsyncOpenAI, model: str) -> None:
    async with client.responses.stream(model=model, input="hello") as stream:
        pieces = [event.delta async for event in stream if event.type == "response.output_text.delta"]
        whole = await stream.get_final_response()
    assert len(pieces) > 1
    assert "".join(pieces) == whole.output_text


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_tools_of_a_response_and_the_turn_that_follows(
    client: openai.AsyncOpenAI, model: str, stream: bool
) -> None:
    given: list[Any] = [{"role": "user", "content": "use both tools"}]
    if stream:
        async with client.responses.stream(model=model, input=given, tools=TOOLS) as events:
            reply: Any = await events.get_final_response()
    else:
        reply = await client.responses.create(model=model, input=given, tools=TOOLS)
    asked = [item for item in reply.output if item.type == "function_call"]
    assert [(item.name, json.loads(item.arguments)) for item in asked] == [
        ("get_weather", {"city": "text"}),
        ("get_news", {"city": "text"}),
    ]
    given += reply.output
    given += [{"type": "function_call_output", "call_id": item.call_id, "output": f"by {item.name}"} for item in asked]
    second = await client.responses.create(model=model, input=given, tools=TOOLS)
    assert "by get_news" in second.output_text


@pytest.mark.parametrize("model", MODELS)
async def test_structured_output_of_a_response(client: openai.AsyncOpenAI, model: str) -> None:
    reply = await client.responses.parse(model=model, input="hello", text_format=Person)
    assert reply.output_parsed == Person(name="text", age=0)


async def test_a_response_that_the_provider_keeps(client: openai.AsyncOpenAI) -> None:
    first = await client.responses.create(model="gpt-4o-mini", input="hello", store=True)
    second = await client.responses.create(model="gpt-4o-mini", input="go on", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    assert (await client.responses.retrieve(second.id)).output_text == second.output_text
    assert [item.type async for item in client.responses.input_items.list(second.id)]
    await client.responses.delete(second.id)
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(second.id)


async def test_errors_of_a_response(client: openai.AsyncOpenAI, provider: Double) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        await client.responses.create(model="default", input="hello", temperature=9)
    assert bad.value.param == "temperature"
    with pytest.raises(openai.NotFoundError, match="gpt-4o-mini"):
        await client.responses.create(model="gpt-9", input="hello")
    provider.script("any", BUSY, then="repeat")
    with pytest.raises(openai.RateLimitError):
        await client.responses.create(model="default", input="hello")
    provider.script("any", DOWN, then="repeat")
    with pytest.raises(openai.InternalServerError):
        await client.responses.create(model="default", input="hello", stream=True)
    provider.script("any", SILENT, then="repeat")
    with pytest.raises(openai.APITimeoutError):
        await client.responses.create(model="default", input="hello", timeout=0.5)


@pytest.mark.parametrize("model", MODELS)
async def test_a_broken_response_never_ends_quietly(client: openai.AsyncOpenAI, provider: Double, model: str) -> None:
    provider.script("any", BROKEN, then="repeat")
    stream = await client.responses.create(model=model, input="hello", stream=True)
    assert (await anext(stream)).type == "response.created"
    with pytest.raises(openai.APIError, match="broke off"):
        [event async for event in stream]


async def test_leaving_a_response_in_mid_stream(client: openai.AsyncOpenAI, provider: Double) -> None:
    provider.settings(chunk_interval_ms=100)
    stream = await client.responses.create(model="default", input=LONG, stream=True)
    async for event in stream:
        if event.type == "response.output_text.delta" and "w2" in event.delta:
            break
    await stream.close()
    (call,) = await asyncio.to_thread(provider.wait_calls, 1)
    assert call["outcome"] == "aborted" and call["chunks_sent"] < 40


@pytest.mark.parametrize("model", MODELS)
async def test_completions_of_prompts(client: openai.AsyncOpenAI, model: str) -> None:
    reply = await client.completions.create(model=model, prompt=["one", "two"], max_tokens=50)
    assert [choice.index for choice in reply.choices] == [0, 1]
    assert "two" in reply.choices[1].text
    texts = ["", ""]
    async for chunk in await client.completions.create(model=model, prompt=["one", "two"], max_tokens=50, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert texts == [choice.text for choice in reply.choices]


async def test_moderations(client: openai.AsyncOpenAI) -> None:
    reply = await client.moderations.create(input=["[[flag]]", "a kind word"])
    assert [result.flagged for result in reply.results] == [True, False]


async def test_images(client: openai.AsyncOpenAI) -> None:
    made = await client.images.generate(model="gpt-image-1", prompt="a lighthouse", n=2)
    assert [base64.b64decode(one.b64_json or "")[1:4] for one in made.data or []] == [b"PNG"] * 2
    picture = ("a.png", base64.b64decode(PIXEL), "image/png")
    edited = await client.images.edit(model="gpt-image-1", image=[picture, picture], prompt="at night")
    assert len(edited.data or []) == 1
    stream = await client.images.generate(model="gpt-image-1", prompt="a sea", stream=True, partial_images=2)
    kinds = [event.type async for event in stream]
    assert kinds == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]


async def test_speech(client: openai.AsyncOpenAI, provider: Double) -> None:
    whole = await client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Good morning")
    async with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="alloy", input="Good morning"
    ) as reply:
        assert reply.headers["content-type"] == "audio/mpeg"
        assert b"".join([piece async for piece in reply.iter_bytes()]) == whole.content
    provider.script("openai", {"kind": "cut", "after_chunks": 2}, then="repeat")
    with pytest.raises((openai.APIError, openai.APIConnectionError)):
        await client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Good morning")


async def test_transcriptions(client: openai.AsyncOpenAI) -> None:
    said = await client.audio.transcriptions.create(model="whisper-1", file=SOUND)
    assert said.text == "transcribe a.wav, 404 bytes"
    plain = await client.audio.transcriptions.create(model="whisper-1", file=SOUND, response_format="text")
    assert str(plain).strip() == said.text
    detailed = await client.audio.transcriptions.create(model="whisper-1", file=SOUND, response_format="verbose_json")
    assert detailed.text == said.text and detailed.duration == 2.5
    stream = await client.audio.transcriptions.create(model="gpt-4o-mini-transcribe", file=SOUND, stream=True)
    events = [event async for event in stream]
    assert events[-1].type == "transcript.text.done" and events[-1].text == said.text
    translated = await client.audio.translations.create(model="whisper-1", file=SOUND)
    assert translated.text == "translate a.wav, 404 bytes"


async def test_a_file_and_a_batch(client: openai.AsyncOpenAI) -> None:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "[[say:yes]]"}]}
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body}
    source = await client.files.create(file=("a.jsonl", json.dumps(line).encode()), purpose="batch")
    batch = await client.batches.create(
        input_file_id=source.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    while batch.status != "completed":
        assert batch.status in ("validating", "in_progress")
        batch = await client.batches.retrieve(batch.id)
    output = (await client.files.content(batch.output_file_id or "")).text
    assert json.loads(output)["response"]["body"]["choices"][0]["message"]["content"] == "yes"
    assert (await client.files.retrieve(source.id)).filename == "a.jsonl"
    assert [one.id async for one in client.files.list(purpose="batch")] == [source.id]
    assert (await client.files.delete(source.id)).deleted


async def test_a_file_that_is_too_large(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as large:
        await client.files.create(file=("a.bin", bytes(30_000_000)), purpose="user_data")
    assert large.value.status_code == 413


async def test_a_model_that_can_t(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="gpt-image-1"):
        await client.images.generate(model="gpt-4o-mini", prompt="a lighthouse")
