"""The provider double, driven over HTTP: real clients for the formats, raw sockets for the faults."""

import gzip
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
os.environ.setdefault("LITELLM_MODE", "PRODUCTION")

import litellm
import openai
import pytest

from tests.double.client import ROOT, Double, DoubleError
from tests.double.faults.registry import KINDS

WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer", "minimum": 2},
        "unit": {"type": "string", "enum": ["C", "F"]},
        "note": {"type": "string"},
    },
    "required": ["city", "days", "unit"],
}
TOOLS: Any = [
    {
        "type": "function",
        "function": {"name": "weather", "description": "the weather", "parameters": WEATHER},
    },
    {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}},
]
ARGUMENTS = {"city": "text", "days": 2, "unit": "C"}
GEMINI, OPENAI = "gemini-2.0-flash", "gpt-4o-mini"


@pytest.fixture(scope="module")
def running() -> Iterator[Double]:
    with Double.start() as double:
        yield double


@pytest.fixture
def double(running: Double) -> Double:
    running.reset()
    running.settings(latency_ms=0, chunk_interval_ms=0, log_calls=True)
    return running


@pytest.fixture
def client(double: Double) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=double.openai_base, api_key="sk-test", max_retries=0, timeout=5) as client:
        yield client


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


# raw sockets


@dataclass
class Reply:
    """What came over the wire: all bytes, and the end: fin, rst, or open when none came in time."""

    raw: bytes
    end: str
    seconds: float = 0.0

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1]) if self.raw else 0

    @property
    def headers(self) -> dict[str, str]:
        lines = self.raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return {name: value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def sent(self) -> bytes:
        """The body without chunk framing, as far as it came."""
        body = self.raw.partition(b"\r\n\r\n")[2]
        if "transfer-encoding" not in self.headers:
            return body
        parts = []
        while body:
            size, _, body = body.partition(b"\r\n")
            parts.append(body[: int(size or b"0", 16)])
            body = body[int(size or b"0", 16) + 2 :]
        return b"".join(parts)

    @property
    def whole(self) -> bool:
        """Whether the body ended as HTTP wants it."""
        if "transfer-encoding" in self.headers:
            return self.raw.endswith(b"\r\n0\r\n\r\n")
        return len(self.sent) == int(self.headers.get("content-length", -1))

    @property
    def events(self) -> list[str]:
        return [line.removeprefix("data: ") for line in self.sent.decode().splitlines() if line.startswith("data:")]

    @property
    def json(self) -> Any:
        return json.loads(self.sent)


def request(provider: str, stream: bool, text: str = "[[words:4]]") -> bytes:
    if provider == "openai":
        path = "/openai/v1/chat/completions"
        body: Any = {"model": OPENAI, "messages": user(text), "stream": stream}
    else:
        path = f"/gemini/models/{GEMINI}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")
        body = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    raw = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-1234567890\r\nx-goog-api-key: k\r\n"
        f"content-length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


def complete(reply: Reply) -> bool:
    """Whether nothing more is to come; waits on for the end of what was cut."""
    return b"\r\n\r\n" in reply.raw and reply.whole


def ask(double: Double, raw: bytes, wait: float = 2.0) -> Reply:
    """Sends `raw` and reads until it is whole, the connection ends, or `wait` seconds bring nothing."""
    started = time.monotonic()
    reply = Reply(b"", "open")
    with socket.create_connection(("127.0.0.1", double.port)) as sock:
        sock.settimeout(wait)
        sock.sendall(raw)
        try:
            while not complete(reply):
                part = sock.recv(65536)
                reply.raw += part
                if not part:
                    reply.end = "fin"
                    break
        except TimeoutError:
            pass
        except ConnectionResetError:
            reply.end = "rst"
    reply.seconds = time.monotonic() - started
    return reply


def words(reply: Reply) -> str:
    """The text that the well-formed events, or the whole reply, carried."""
    found = []
    for event in reply.events or [reply.sent.decode()]:
        try:
            data = json.loads(event)
        except ValueError:
            continue
        turns = [choice.get("delta", choice.get("message", {})) for choice in data.get("choices", [])]
        found += [turn.get("content") or "" for turn in turns]
        for candidate in data.get("candidates", []):
            found += [part.get("text", "") for part in candidate["content"].get("parts", [])]
    return "".join(found)


PROVIDERS = pytest.mark.parametrize("provider", ["openai", "gemini"])
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
ROLE = {"openai": 1, "gemini": 0}  # events before the first word
EVENTS = {"openai": 7, "gemini": 4}  # of a healthy stream of four words


def one(double: Double, provider: str, stream: bool, wait: float = 2.0, **fault: Any) -> Reply:
    """One call under one fault."""
    double.script(provider, fault)
    return ask(double, request(provider, stream), wait)


def ended(double: Double) -> dict[str, Any]:
    return double.wait_calls(1, timeout=2)[-1]


# OpenAI's client


def test_openai_plain(double: Double, client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model=OPENAI, messages=user("hello there"))
    assert reply.choices[0].message.content == f'Answer from openai {OPENAI}: you said "hello there"'
    assert (reply.object, reply.model, reply.choices[0].finish_reason) == ("chat.completion", OPENAI, "stop")
    assert reply.usage is not None and (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (2, 8)
    call = ended(double)
    assert (call["model"], call["stream"], call["fault"], call["outcome"]) == (
        OPENAI,
        False,
        None,
        "completed",
    )
    assert call["body"]["messages"] == user("hello there")
    assert call["headers"]["authorization"] == "Bearer sk-test"


def test_openai_stream(client: openai.OpenAI) -> None:
    options: Any = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(
            model=OPENAI,
            messages=user("[[words:3]]"),
            stream=True,
            stream_options=options,
            n=2,
            logprobs=True,
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    for index in (0, 1):
        texts = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].index == index]
        assert [text for text in texts if text] == ["w1", " w2", " w3"]
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-2:] == ["stop", "stop"]
    assert chunks[-1].choices == [] and chunks[-1].usage is not None and chunks[-1].usage.completion_tokens == 6


def test_openai_tools(client: openai.OpenAI) -> None:
    asked: Any = user("please use both tools")
    reply = client.chat.completions.create(model=OPENAI, messages=asked, tools=TOOLS).choices[0]
    calls: Any = reply.message.tool_calls
    assert reply.finish_reason == "tool_calls" and reply.message.content is None
    assert [(c.function.name, json.loads(c.function.arguments)) for c in calls] == [
        ("weather", ARGUMENTS),
        ("clock", {}),
    ]
    result = {"role": "tool", "tool_call_id": calls[0].id, "content": "22 C"}
    asked += [reply.message, result]
    after = client.chat.completions.create(model=OPENAI, messages=asked, tools=TOOLS)
    assert 'the tool said "22 C"' in str(after.choices[0].message.content)


def test_openai_tool_stream(client: openai.OpenAI) -> None:
    named: Any = {"type": "function", "function": {"name": "weather"}}
    chunks = client.chat.completions.create(
        model=OPENAI, messages=user("hi"), tools=TOOLS, tool_choice=named, stream=True, n=2, logprobs=True
    )
    deltas: Any = [c.choices[0].delta.tool_calls[0] for c in chunks if c.choices[0].delta.tool_calls]
    first = deltas[0]
    assert first.id and first.function.name == "weather" and first.function.arguments == ""
    fragments = [delta.function.arguments for delta in deltas[2:] if not delta.id][::2]
    assert len(fragments) > 1 and json.loads("".join(fragments)) == ARGUMENTS


def test_openai_json(client: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {
            "items": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/item"}},
            "x": {"const": 3},
        },
        "required": ["items", "x"],
        "$defs": {"item": {"anyOf": [{"type": "number"}, {"type": "null"}]}},
    }
    form: Any = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    reply = client.chat.completions.create(model=OPENAI, messages=user("hi"), response_format=form)
    assert json.loads(str(reply.choices[0].message.content)) == {"items": [0.0, 0.0], "x": 3}
    form = {"type": "json_object"}
    reply = client.chat.completions.create(model=OPENAI, messages=user("hi"), response_format=form)
    assert isinstance(json.loads(str(reply.choices[0].message.content)), dict)


@pytest.mark.parametrize(
    ("text", "options", "answer", "finish"),
    [
        ("[[words:9]]", {"max_tokens": 2}, "w1 w2", "length"),
        ("[[words:9]]", {"max_completion_tokens": 9}, "w1 w2 w3 w4 w5 w6 w7 w8 w9", "stop"),
        ("[[words:9]]", {"stop": ["w4"]}, "w1 w2 w3 ", "stop"),
        ("[[say: [1, [2]]]] and more", {}, " [1, [2]]", "stop"),
        ("[[echo]]", {}, "be good\nearlier\n[[echo]]", "stop"),
    ],
)
def test_openai_text(client: openai.OpenAI, text: str, options: Any, answer: str, finish: str) -> None:
    messages = [
        {"role": "system", "content": "be good"},
        {"role": "assistant", "content": "earlier"},
        *user(text),
    ]
    if "echo" not in text:
        messages = user(text)
    choice = client.chat.completions.create(model=OPENAI, messages=messages, **options).choices[0]
    assert (choice.message.content, choice.finish_reason) == (answer, finish)


def test_openai_embeddings(client: openai.OpenAI) -> None:
    packed = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"]).data  # asks for base64
    floats = client.embeddings.create(model="text-embedding-3-small", input="a", encoding_format="float").data
    assert packed[0].embedding == pytest.approx(floats[0].embedding)
    assert packed[0].embedding != packed[1].embedding and sum(x * x for x in floats[0].embedding) == pytest.approx(1)
    assert len(client.embeddings.create(model="m", input=[1, 2], dimensions=3).data[0].embedding) == 3
    assert next(iter(client.models.list())).id == "gpt-4o"


def test_openai_refusals(double: Double, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="messages"):
        client.chat.completions.create(model=OPENAI, messages=[])
    with pytest.raises(openai.NotFoundError, match="Invalid URL"):
        client.vector_stores.list()
    bare = b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}"
    reply = ask(double, bare)
    assert reply.status == 401 and reply.json["error"]["type"] == "invalid_request_error"
    reply = ask(
        double,
        bare.replace(b"content-length: 2", b"authorization: k\r\ncontent-length: 2").replace(b"{}", b"{x"),
    )
    assert reply.status == 400 and "parse the JSON" in reply.json["error"]["message"]


# litellm


async def complete_with(double: Double, provider: str, text: str, **options: Any) -> Any:
    named = {
        "gemini": {"model": f"gemini/{GEMINI}", "api_base": double.gemini_base},
        "openai": {"model": f"openai/{OPENAI}", "api_base": double.openai_base},
    }[provider]
    options = {"messages": user(text), "api_key": "key-1", "num_retries": 0, "max_retries": 0, **options}
    return await litellm.acompletion(**named, **options)


@PROVIDERS
@pytest.mark.asyncio
@pytest.mark.usefixtures("litellm_closed")
async def test_litellm_plain(double: Double, provider: str) -> None:
    reply = await complete_with(double, provider, "hello", temperature=0)
    assert reply.choices[0].message.content.startswith(f"Answer from {provider} ")
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0
    call = ended(double)
    assert call["provider"] == provider and call["model"] == (GEMINI if provider == "gemini" else OPENAI)
    if provider == "gemini":
        assert call["path"] == f"/gemini/models/{GEMINI}:generateContent" and call["query"] == {}
        assert call["headers"]["x-goog-api-key"] == "key-1"


@PROVIDERS
@pytest.mark.asyncio
@pytest.mark.usefixtures("litellm_closed")
async def test_litellm_stream(double: Double, provider: str) -> None:
    stream = await complete_with(double, provider, "[[words:5]]", stream=True)
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "w1 w2 w3 w4 w5"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert ended(double)["outcome"] == "completed"


@PROVIDERS
@pytest.mark.asyncio
@pytest.mark.usefixtures("litellm_closed")
async def test_litellm_tool(double: Double, provider: str) -> None:
    reply = await complete_with(double, provider, "use the tool", tools=TOOLS, _skip_mcp_handler=True)
    message = reply.choices[0].message
    assert [json.loads(call.function.arguments) for call in message.tool_calls] == [ARGUMENTS]
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "name": "weather", "content": "22 C"}
    messages = [*user("use the tool"), message, result]
    options = {"messages": messages, "tools": TOOLS, "_skip_mcp_handler": True}
    after = await complete_with(double, provider, "", **options)
    assert 'the tool said "22 C"' in after.choices[0].message.content


@pytest.mark.asyncio
@pytest.mark.usefixtures("litellm_closed")
async def test_litellm_gemini_rest(double: Double) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "w", "schema": WEATHER}}
    reply = await complete_with(double, "gemini", "hi", response_format=form)
    assert json.loads(reply.choices[0].message.content) == ARGUMENTS
    messages = [{"role": "system", "content": "be good"}, *user("[[echo]]")]
    reply = await complete_with(double, "gemini", "", messages=messages, max_tokens=2, stop=["zzz"])
    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == ("be good", "length")
    base = {"api_base": double.gemini_base, "api_key": "key-1"}
    vectors = await litellm.aembedding(model="gemini/gemini-embedding-001", input=["a", "b"], **base)
    assert [len(one["embedding"]) for one in vectors.data] == [8, 8]


def gemini(double: Double, path: str, body: Any) -> Reply:
    raw = json.dumps(body)
    return ask(double, f"POST {path} HTTP/1.1\r\ncontent-length: {len(raw)}\r\n\r\n{raw}".encode())


CONTENTS = {"contents": [{"parts": [{"text": "hi"}]}]}


@pytest.mark.parametrize(
    "path",
    [
        "/gemini/v1beta/models/m-1:generateContent",
        "/gemini/models/m-1:generateContent",
        "/v1beta/models/m-1:generateContent",
        "/gemini:generateContent",
    ],
)
def test_gemini_urls(double: Double, path: str) -> None:
    reply = gemini(double, f"{path}?key=k", CONTENTS)
    assert reply.status == 200 and words(reply).endswith('you said "hi"')
    assert reply.json["candidates"][0]["finishReason"] == "STOP"


def test_gemini_formats(double: Double) -> None:
    raw = ask(double, request("gemini", True)).sent
    assert raw.count(b"\r\n\r\n") == EVENTS["gemini"] and b"[DONE]" not in raw
    array = gemini(double, "/gemini/models/m:streamGenerateContent?key=k", CONTENTS).json
    assert len(array) == 7 and array[-1]["candidates"][0]["finishReason"] == "STOP"
    assert gemini(double, "/gemini/models/m:generateContent", CONTENTS).status == 403
    assert gemini(double, "/gemini/models/m:generateContent?key=k", {}).json["error"]["status"] == "INVALID_ARGUMENT"
    assert gemini(double, "/gemini/models/m:think?key=k", CONTENTS).status == 404
    one = gemini(double, "/gemini/models/m:embedContent?key=k", {"content": CONTENTS["contents"][0]})
    assert len(one.json["embedding"]["values"]) == 8
    config = {"candidateCount": 2, "maxOutputTokens": 1}
    two = gemini(double, "/gemini/models/m:generateContent?key=k", CONTENTS | {"generationConfig": config}).json
    assert [one["finishReason"] for one in two["candidates"]] == ["MAX_TOKENS", "MAX_TOKENS"]


# faults of the connection


@PROVIDERS
@BOTH
@pytest.mark.parametrize(("kind", "end"), [("reset", "rst"), ("close", "fin"), ("silence", "open")])
def test_nothing_comes(double: Double, provider: str, stream: bool, kind: str, end: str) -> None:
    reply = one(double, provider, stream, kind=kind, wait=0.2 if end == "open" else 2.0)
    assert (reply.raw, reply.end) == (b"", end)
    call = ended(double)
    assert (call["fault"], call["outcome"]) == (kind, "aborted" if kind == "silence" else "faulted")


@PROVIDERS
@BOTH
def test_silence_ends(double: Double, provider: str, stream: bool) -> None:
    assert one(double, provider, stream, kind="silence", seconds=0.1).end == "fin"
    reply = one(double, provider, stream, kind="headers_then_silence", seconds=0.1)
    assert (reply.status, reply.sent, reply.end) == (200, b"", "fin")
    assert one(double, provider, stream, kind="headers_then_silence", wait=0.2).end == "open"


@PROVIDERS
@BOTH
@pytest.mark.parametrize("how", ["rst", "fin"])
def test_cut(double: Double, provider: str, stream: bool, how: str) -> None:
    reply = one(double, provider, stream, kind="cut", after_chunks=2, how=how)
    assert reply.end == how and not reply.whole and reply.status == 200
    assert len(reply.events) == (2 if stream else 0)
    assert ended(double)["chunks_sent"] == (2 if stream else 0)
    reply = one(double, provider, stream, kind="cut_bytes", after_bytes=33, how=how)
    assert (reply.end, len(reply.sent), reply.whole) == (how, 33, False)


@PROVIDERS
@BOTH
def test_stall(double: Double, provider: str, stream: bool) -> None:
    reply = one(double, provider, stream, kind="stall", after_chunks=2, wait=0.2)
    assert reply.end == "open" and not reply.whole and reply.sent
    reply = one(double, provider, stream, kind="stall", after_chunks=2, seconds=0.1)
    assert reply.whole and words(reply) == "w1 w2 w3 w4"


@PROVIDERS
@BOTH
@pytest.mark.parametrize(
    ("fault", "least"),
    [
        ({"kind": "slow_first_token", "seconds": 0.2}, 0.2),
        ({"kind": "trickle", "interval_ms": 30}, 0.12),
        ({"kind": "crawl_body", "interval_ms": 1}, 0.3),
    ],
)
def test_late(double: Double, provider: str, stream: bool, fault: dict[str, Any], least: float) -> None:
    reply = one(double, provider, stream, **fault)
    assert reply.whole and words(reply) == "w1 w2 w3 w4" and reply.seconds >= least
    assert ended(double)["outcome"] == "completed"


# faults in mid-stream


@PROVIDERS
@BOTH
def test_malformed(double: Double, provider: str, stream: bool) -> None:
    place = ROLE[provider] + 1
    reply = one(double, provider, stream, kind="malformed", after_chunks=place)
    if not stream:
        with pytest.raises(ValueError, match="line 1 column"):
            _ = reply.json
        return
    assert words(reply) == "w1 w2 w3 w4" and len(reply.events) == EVENTS[provider] + 1 and reply.whole
    reply = one(double, provider, stream, kind="malformed", after_chunks=place, data="{oh", drop=True)
    assert reply.events[place] == "{oh" and words(reply) == "w1 w3 w4"


@PROVIDERS
@BOTH
def test_error_event(double: Double, provider: str, stream: bool) -> None:
    reply = one(double, provider, stream, kind="error_event", after_chunks=2, status=429, message="slow down")
    error = json.loads(reply.events[-1]) if stream else reply.json
    assert error["error"]["message"] == "slow down" and reply.status == 200 and reply.whole
    assert error["error"]["status" if provider == "gemini" else "code"] in (
        "RESOURCE_EXHAUSTED",
        "rate_limit_exceeded",
    )
    assert len(reply.events) == (3 if stream else 0)


@PROVIDERS
@BOTH
def test_ends_without_end(double: Double, provider: str, stream: bool) -> None:
    reply = one(double, provider, stream, kind="no_finish")
    assert words(reply) == "w1 w2 w3 w4" and reply.whole
    assert b'"stop"' not in reply.sent and b"STOP" not in reply.sent and b"[DONE]" not in reply.sent
    reply = one(double, provider, stream, kind="no_done", wait=0.2)
    assert reply.end == "open" and b"[DONE]" not in reply.sent and not reply.whole
    assert b'"stop"' in reply.sent or b"STOP" in reply.sent
    assert one(double, provider, stream, kind="no_done", seconds=0.1).whole


@PROVIDERS
@BOTH
def test_duplicate_events(double: Double, provider: str, stream: bool) -> None:
    reply = one(double, provider, stream, kind="duplicate_events")
    if stream:
        assert words(reply) == "w1w1 w2 w2 w3 w3 w4 w4"
    else:
        assert reply.sent[: len(reply.sent) // 2] * 2 == reply.sent


# replies that are none


@PROVIDERS
@BOTH
def test_status(double: Double, provider: str, stream: bool) -> None:
    reply = one(double, provider, stream, kind="status", status=429, retry_after=7)
    assert reply.status == 429
    if provider == "openai":
        assert reply.headers["retry-after"] == "7" and reply.json["error"]["code"] == "rate_limit_exceeded"
    else:
        assert reply.json["error"]["status"] == "RESOURCE_EXHAUSTED"
        assert reply.json["error"]["details"][0]["retryDelay"] == "7s" and "retry-after" not in reply.headers
    reply = one(double, provider, stream, kind="status", status=503, body="oops", headers={"x-a": "b"})
    assert (reply.status, reply.sent, reply.headers["x-a"]) == (503, b"oops", "b")
    assert one(double, provider, stream, kind="status", status=500, body={"a": 1}).json == {"a": 1}


@PROVIDERS
@BOTH
def test_recorded_replies(double: Double, provider: str, stream: bool) -> None:
    raw = '{"a": "\\ud83d\\ude00"}'
    played: dict[str, Any] = {"body": raw, "content_type": "application/json", "events": [{"b": 1}, raw, "[DONE]"]}
    reply = one(double, provider, stream, kind="status", status=200, **played)
    if stream:
        assert reply.events == ['{"b":1}', raw, "[DONE]"] and "event-stream" in reply.headers["content-type"]
    else:
        assert (reply.sent.decode(), reply.headers["content-type"]) == (raw, "application/json")


CANNED = [
    ("context_too_long", 400, "context_length_exceeded", 400, "exceeds the maximum number of tokens"),
    ("model_not_found", 404, "model_not_found", 404, "is not found for API version"),
    ("bad_key", 401, "sk-********7890", 400, "API_KEY_INVALID"),
    ("safety", 400, "content_policy_violation", 400, "INVALID_ARGUMENT"),
]


@PROVIDERS
@BOTH
@pytest.mark.parametrize("case", CANNED, ids=lambda case: str(case[0]))
def test_canned_errors(double: Double, provider: str, stream: bool, case: Any) -> None:
    fault = {"kind": case[0]} | ({"where": "error"} if case[0] == "safety" else {})
    reply = one(double, provider, stream, **fault)
    status, part = case[1:3] if provider == "openai" else case[3:]
    assert reply.status == status and part in reply.sent.decode()


@PROVIDERS
@BOTH
def test_garbage(double: Double, provider: str, stream: bool) -> None:
    for kind in ("not_sse", "not_json"):
        reply = one(double, provider, stream, kind=kind)
        assert reply.status == 200 and b"<html>" in reply.sent and "text/html" in reply.headers["content-type"]
    reply = one(double, provider, stream, kind="empty")
    assert (reply.status, reply.sent, reply.whole) == (200, b"", True)
    reply = one(double, provider, stream, kind="redirect", location="http://127.0.0.1/x", status=302)
    assert (reply.status, reply.headers["location"]) == (302, "http://127.0.0.1/x")


@PROVIDERS
@BOTH
def test_huge(double: Double, provider: str, stream: bool) -> None:
    reply = one(double, provider, stream, kind="huge", megabytes=3)
    assert reply.whole and len(reply.sent) > 3 * 2**20
    reply = one(double, provider, stream, kind="huge_headers", kilobytes=200)
    assert len(reply.headers["x-padding"]) == 200 * 1024 and words(reply) == "w1 w2 w3 w4"
    reply = one(double, provider, stream, kind="gzip_bomb", megabytes=20, wait=2)
    unpacked = gzip.decompress(reply.sent)
    assert len(reply.sent) < 2**18 and len(unpacked) > 20 * 2**20 and b"w1" in unpacked[-5000:]


# answers that are none


@PROVIDERS
@BOTH
def test_odd_answers(double: Double, provider: str, stream: bool) -> None:
    name = "choices" if provider == "openai" else "candidates"
    reply = one(double, provider, stream, kind="empty_choices")
    assert json.loads(reply.events[0] if stream else reply.sent)[name] == [] and reply.whole
    reply = one(double, provider, stream, kind="null_content")
    assert words(reply) == "" and reply.whole and b'"stop"' in reply.sent.lower()
    assert words(one(double, provider, stream, kind="whitespace")).isspace()
    reply = one(double, provider, stream, kind="other_model", model="odd-1")
    assert b"odd-1" in reply.sent and words(reply) == "w1 w2 w3 w4"


@PROVIDERS
@BOTH
def test_safety(double: Double, provider: str, stream: bool) -> None:
    reply = one(double, provider, stream, kind="safety")
    assert reply.status == 200 and words(reply) == ""
    body = reply.sent.decode()
    if provider == "openai":
        assert '"finish_reason":"content_filter"' in body and "I'm sorry" in body
    else:
        assert '"blockReason":"SAFETY"' in body and "candidates" not in json.loads(reply.events[0] if stream else body)
        assert (
            '"finishReason":"SAFETY"' in one(double, provider, stream, kind="safety", where="candidate").sent.decode()
        )


def test_faults_elsewhere(double: Double, client: openai.OpenAI) -> None:
    """Every fault can strike a call that is not chat."""
    fields: dict[str, Any] = {
        "status": {"status": 500},
        "cut_bytes": {"after_bytes": 5},
        "trickle": {"interval_ms": 1},
        "slow_first_token": {"seconds": 0},
        "huge": {"megabytes": 1},
        "huge_headers": {"kilobytes": 1},
        "gzip_bomb": {"megabytes": 1},
        "redirect": {"location": "/x"},
        "crawl_body": {"interval_ms": 0},
        "silence": {"seconds": 0},
        "headers_then_silence": {"seconds": 0},
        "stall": {"seconds": 0},
        "no_done": {"seconds": 0},
    }
    for number, kind in enumerate(KINDS, 1):
        double.script("any", {"kind": kind, **fields.get(kind, {})})
        raw = json.dumps({"model": "m", "input": "a"})
        head = f"POST /v1/embeddings HTTP/1.1\r\nauthorization: k\r\ncontent-length: {len(raw)}\r\n\r\n"
        ask(double, (head + raw).encode(), wait=1)
        call = double.wait_calls(number, timeout=2)[-1]
        assert (call["fault"], call["outcome"] in ("faulted", "completed")) == (kind, True), kind


# scripts, the log, aborts


def test_scripts(double: Double) -> None:
    fault = {"kind": "status", "status": 500}
    double.script("openai", fault, {"kind": "status", "status": 503})
    assert [ask(double, request("openai", False)).status for _ in range(3)] == [500, 503, 200]
    double.script("openai", fault, then="repeat")
    assert [ask(double, request("openai", False)).status for _ in range(3)] == [500] * 3
    assert ask(double, request("gemini", False)).status == 200
    double.script("any", {"kind": "status", "status": 418}, model=GEMINI, path="generateContent", then="repeat")
    assert ask(double, request("gemini", False)).status == 418
    assert ask(double, request("gemini", True)).status == 200
    double.script("openai")
    assert ask(double, request("openai", False)).status == 200
    assert [call["id"] for call in double.calls("gemini")] == [7, 8, 9]
    double.reset()
    assert double.calls() == []


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "explode"}, "unknown fault kind 'explode'"),
        ({"kind": "cut", "after": 1}, "after"),
        ({"kind": "cut", "after_chunks": "1"}, "after_chunks"),
        ({"kind": "cut", "how": "gently"}, "how"),
        ({"kind": "slow_first_token"}, "seconds"),
        ({"after_chunks": 1}, "kind"),
    ],
)
def test_bad_faults(double: Double, fault: Any, message: str) -> None:
    with pytest.raises(DoubleError, match=message):
        double.script("any", fault)


def test_bad_control(double: Double) -> None:
    with pytest.raises(DoubleError, match="provider"):
        double.script("anthropic", "reset")
    with pytest.raises(DoubleError, match="then"):
        double.script("any", "reset", then="stop")
    with pytest.raises(DoubleError, match="speed"):
        double.settings(speed=3)
    with pytest.raises(TimeoutError, match="0 of 1"):
        double.wait_calls(1, timeout=0.05)


def test_keep_alive_and_big_bodies(double: Double) -> None:
    text = "[[say:ok]]" + "x" * (20 * 2**20)
    with socket.create_connection(("127.0.0.1", double.port)) as sock:
        sock.settimeout(5)
        sock.sendall(request("openai", False, text) + request("gemini", True) + request("openai", False) * 2)
        raw = b""
        while raw.count(b'"finish_reason"') < 3:
            raw += sock.recv(65536)
    assert raw.count(b"HTTP/1.1 200 OK") == 4 and raw.index(b'"content":"ok"') < raw.index(b"w4")
    assert [call["provider"] for call in double.wait_calls(4)] == ["openai", "gemini", "openai", "openai"]


def test_close_when_asked_and_not_http(double: Double) -> None:
    raw = request("openai", False).replace(b"host: x", b"connection: close")
    with socket.create_connection(("127.0.0.1", double.port)) as sock:
        sock.sendall(raw)
        reply = sock.makefile("rb").read()  # to the end
    assert reply.count(b"HTTP/1.1 200") == 1 and b"connection: close" in reply
    bad = ask(double, b"hello\r\n\r\n")
    assert bad.status == 400


def test_settings(double: Double) -> None:
    double.settings(latency_ms=100, chunk_interval_ms=50)
    assert ask(double, request("openai", False)).seconds >= 0.1
    assert ask(double, request("gemini", True)).seconds >= 0.1 + 3 * 0.05
    double.settings(log_calls=False, latency_ms=0)
    ask(double, request("openai", False))
    assert len(double.calls()) == 2


HANGS = [
    {"kind": "silence"},
    {"kind": "headers_then_silence"},
    {"kind": "stall", "after_chunks": 1},
    {"kind": "trickle", "interval_ms": 20},
    {"kind": "huge", "megabytes": 30},
]


@PROVIDERS
@BOTH
@pytest.mark.parametrize("fault", HANGS, ids=lambda fault: str(fault["kind"]))
@pytest.mark.parametrize("read", [False, True], ids=["unread", "read"])
def test_abort_is_seen_at_once(double: Double, provider: str, stream: bool, fault: Any, read: bool) -> None:
    double.script(provider, fault)
    with socket.create_connection(("127.0.0.1", double.port)) as sock:
        sock.sendall(request(provider, stream, "[[words:500]]"))
        if read and fault["kind"] != "silence":
            sock.settimeout(2)
            sock.recv(100)
        time.sleep(0.05)
        assert double.calls()[0]["outcome"] == "open"
        left = time.monotonic()
    call = ended(double)
    assert call["outcome"] == "aborted" and call["ended"] - left < 0.1


def test_abort_of_a_healthy_stream(double: Double) -> None:
    double.settings(chunk_interval_ms=20)
    with openai.OpenAI(base_url=double.openai_base, api_key="k") as client:
        stream = client.chat.completions.create(model=OPENAI, messages=user("[[words:500]]"), stream=True)
        for _ in range(4):
            next(stream)
        stream.close()
    call = ended(double)
    assert call["outcome"] == "aborted" and 4 <= call["chunks_sent"] < 10


def test_process() -> None:
    double = Double.start()
    assert double.stop() == 0
    code = (
        "from tests.double.client import Double; d = Double.start(); print(d.port, flush=True);import os; os._exit(1)"
    )
    port = int(subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).stdout)
    time.sleep(0.3)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
