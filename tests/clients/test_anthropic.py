"""Anthropic's Python client, by /v1/messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.common import BROKEN, BUSY, DOWN, LONG, MASTER, MODELS, PIXEL, SILENT, USE_TOOL, Person
from tests.double.client import Double
from tests.support.gateway import GatewayProcess

if TYPE_CHECKING:
    import anthropic

HELLO: Any = [{"role": "user", "content": "hello"}]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER: Any = {"name": "get_weather", "description": "The weather of a city", "input_schema": CITY}
NEWS: Any = {"name": "get_news", "description": "What happened", "input_schema": CITY}
Connect = Callable[..., "anthropic.Anthropic"]


@pytest.fixture
def connect(lean: GatewayProcess, provider: Double) -> Iterator[Connect]:
    """Makes a client; without a key of its own for a gateway that asks for none."""
    import anthropic

    with ExitStack() as stack:

        def made(url: str = lean.url, **options: Any) -> anthropic.Anthropic:
            options = {"api_key": "unused", "max_retries": 0, **options}
            return stack.enter_context(anthropic.Anthropic(base_url=url, **options))

        yield made


@pytest.fixture
def client(connect: Connect) -> anthropic.Anthropic:
    return connect()


def text(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


@pytest.mark.parametrize("model", MODELS)
def test_a_message(client: anthropic.Anthropic, model: str) -> None:
    reply = client.messages.create(
        model=model,
        max_tokens=50,
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        messages=HELLO,
        stop_sequences=["END"],
        metadata={"user_id": "anna"},
        extra_body={"temperature": 0.2, "top_p": 0.9},  # of which this version of the client no longer knows
    )
    assert (reply.type, reply.role, reply.model) == ("message", "assistant", model)
    assert "hello" in text(reply)
    assert reply.stop_reason == "end_turn"
    assert reply.usage.input_tokens > 0 and reply.usage.output_tokens > 0


@pytest.mark.parametrize("model", MODELS)
def test_a_streamed_message(client: anthropic.Anthropic, model: str) -> None:
    with client.messages.stream(model=model, max_tokens=50, messages=HELLO) as stream:
        pieces = list(stream.text_stream)
        whole = stream.get_final_message()
    assert len(pieces) > 1
    assert "".join(pieces) == text(whole)
    assert (whole.stop_reason, whole.model) == ("end_turn", model)
    assert whole.usage.input_tokens > 0 and whole.usage.output_tokens > 0
    raw = client.messages.create(model=model, max_tokens=50, messages=HELLO, stream=True)
    kinds = [event.type for event in raw]
    assert (kinds[0], kinds[1], kinds[-1]) == ("message_start", "content_block_start", "message_stop")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_tools_at_once_and_the_turn_that_follows(client: anthropic.Anthropic, model: str, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "use both tools"}]
    asked: Any = {"model": model, "max_tokens": 500, "tools": [WEATHER, NEWS]}
    if stream:
        with client.messages.stream(messages=messages, **asked) as events:
            message: Any = events.get_final_message()
    else:
        message = client.messages.create(messages=messages, **asked)
    assert message.stop_reason == "tool_use"
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [(call.name, call.input) for call in calls] == [
        ("get_weather", {"city": "text"}),
        ("get_news", {"city": "text"}),
    ]
    results: Any = [{"type": "tool_result", "tool_use_id": call.id, "content": f"by {call.name}"} for call in calls]
    messages += [{"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
    assert "by get_news" in text(client.messages.create(messages=messages, **asked))


def test_the_clients_own_loop_over_tools(client: anthropic.Anthropic) -> None:
    import anthropic

    asked: list[str] = []

    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """The weather of a city.

        Args:
            city: its name
        """
        asked.append(city)
        return "rain"

    runner = client.beta.messages.tool_runner(
        model="gpt-4o-mini", max_tokens=50, tools=[get_weather], messages=[{"role": "user", "content": USE_TOOL}]
    )
    assert "rain" in text(runner.until_done())
    assert asked == ["text"]


@pytest.mark.parametrize("model", MODELS)
def test_structured_output(client: anthropic.Anthropic, model: str) -> None:
    reply = client.messages.parse(model=model, max_tokens=50, messages=HELLO, output_format=Person)
    assert reply.parsed_output == Person(name="text", age=0)


@pytest.mark.parametrize("model", MODELS)
def test_an_image(client: anthropic.Anthropic, provider: Double, model: str) -> None:
    source: Any = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    parts: Any = [{"type": "image", "source": source}, {"type": "text", "text": "what is it?"}]
    client.messages.create(model=model, max_tokens=50, messages=[{"role": "user", "content": parts}])
    assert PIXEL in json.dumps(provider.calls()[0]["body"])


def test_counted_tokens(client: anthropic.Anthropic, provider: Double) -> None:
    short = client.messages.count_tokens(model="default", messages=HELLO).input_tokens
    messages: Any = [{"role": "user", "content": "hello " * 100}]
    assert 0 < short < client.messages.count_tokens(model="default", messages=messages).input_tokens
    assert provider.calls() == []


def test_models(client: anthropic.Anthropic) -> None:
    assert client.models.retrieve("gpt-4o-mini").id == "gpt-4o-mini"


def test_what_is_refused_here(client: anthropic.Anthropic, provider: Double) -> None:
    import anthropic

    with pytest.raises(anthropic.BadRequestError, match="temperature") as bad:
        client.messages.create(model="default", max_tokens=50, messages=HELLO, extra_body={"temperature": 1.5})
    assert _kind(bad.value) == "invalid_request_error"
    with pytest.raises(anthropic.BadRequestError, match="api_base"):
        client.messages.create(model="default", max_tokens=50, messages=HELLO, extra_body={"api_base": "http://x"})
    with pytest.raises(anthropic.NotFoundError, match="gpt-4o-mini") as missing:
        client.messages.create(model="claude-nine", max_tokens=50, messages=HELLO)
    assert _kind(missing.value) == "not_found_error"
    assert provider.calls() == []


def _kind(error: Any) -> str:
    """The type of an error, where Anthropic's client has it from."""
    assert error.body["type"] == "error"
    return str(error.body["error"]["type"])


@pytest.mark.parametrize("model", MODELS)
def test_a_provider_that_fails(client: anthropic.Anthropic, provider: Double, model: str) -> None:
    import anthropic

    provider.script("any", BUSY, then="repeat")
    with pytest.raises(anthropic.RateLimitError) as busy:
        client.messages.create(model=model, max_tokens=50, messages=HELLO)
    assert 0 < int(busy.value.response.headers["retry-after"]) <= 9
    assert _kind(busy.value) == "rate_limit_error"
    provider.script("any", DOWN, then="repeat")
    with pytest.raises(anthropic.InternalServerError) as down:
        client.messages.create(model=model, max_tokens=50, messages=HELLO)
    assert down.value.status_code == 503
    assert _kind(down.value) in ("api_error", "overloaded_error")


@pytest.mark.parametrize("model", MODELS)
def test_a_broken_stream_never_ends_quietly(client: anthropic.Anthropic, provider: Double, model: str) -> None:
    import anthropic

    provider.script("any", BROKEN, then="repeat")
    with client.messages.stream(model=model, max_tokens=50, messages=HELLO) as stream:
        assert next(stream).type == "message_start"
        with pytest.raises(anthropic.APIError, match="broke off"):
            stream.get_final_message()


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_the_clients_own_timeout(client: anthropic.Anthropic, provider: Double, stream: bool) -> None:
    import anthropic

    provider.script("any", SILENT, then="repeat")
    with pytest.raises(anthropic.APITimeoutError):
        client.with_options(timeout=0.5).messages.create(model="default", max_tokens=50, messages=HELLO, stream=stream)
    assert provider.wait_calls(1)[0]["outcome"] == "aborted"


@pytest.mark.parametrize("model", MODELS)
def test_leaving_in_mid_stream(client: anthropic.Anthropic, provider: Double, model: str) -> None:
    provider.settings(chunk_interval_ms=100)
    messages: Any = [{"role": "user", "content": LONG}]
    with client.messages.stream(model=model, max_tokens=50, messages=messages) as stream:
        assert "w1" in next(stream.text_stream)
    (call,) = provider.wait_calls(1)
    assert call["outcome"] == "aborted" and call["chunks_sent"] < 40


def test_keys(connect: Connect, guarded: GatewayProcess) -> None:
    import anthropic

    asked: Any = {"model": "default", "max_tokens": 50, "messages": HELLO}
    assert text(connect(guarded.url, api_key=MASTER).messages.create(**asked))  # X-Api-Key
    assert text(connect(guarded.url, api_key=None, auth_token=MASTER).messages.create(**asked))
    with pytest.raises(anthropic.AuthenticationError) as wrong:
        connect(guarded.url, api_key="wrong").messages.create(**asked)
    assert _kind(wrong.value) == "authentication_error"
