"""Forms with files through the running gateway, as OpenAI's own client sends them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.double.client import Double
from tests.double.media import PNG
from tests.support.gateway import GatewayProcess, models

Start = Callable[..., GatewayProcess]
WAV = b"RIFF\r\n--\r\n\x00\xff" * 40
SPOKEN: Any = {"model": "whisper-1", "file": ("a.wav", WAV)}
LIMIT = 200_000
NAMES = {"whisper-1": "audio_transcription", "gpt-image-1": "image_edit"}


def with_media(double: Double) -> dict[str, Any]:
    """The shipped models, and two of OpenAI's that hear and draw."""
    file = models(double.gemini_base, double.openai_base)
    for name, mode in NAMES.items():
        own = {"model": f"openai/{name}", "api_base": double.openai_base, "api_key": "os.environ/OPENAI_API_KEY"}
        file["model_list"].append({"model_name": name, "litellm_params": own, "model_info": {"mode": mode}})
    return file


@pytest.fixture(scope="module")
def gateway(start_shared: Start, double: Double) -> GatewayProcess:
    return start_shared({"server": {"max_upload_bytes": LIMIT, "body_seconds": 1.0}}, models=with_media(double))


@pytest.fixture
def client(gateway: GatewayProcess, provider: Double) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="unused", max_retries=0) as made:
        yield made


@pytest.mark.parametrize("wanted", ["json", "verbose_json", "text", "srt", "vtt"])
def test_transcription(client: openai.OpenAI, provider: Double, wanted: Any) -> None:
    reply: Any = client.audio.transcriptions.with_raw_response.create(**SPOKEN, response_format=wanted)
    assert f"transcribe a.wav, {len(WAV)} bytes" in reply.text
    assert reply.headers["content-type"].startswith("application/json" if "json" in wanted else "text/plain")
    (call,) = provider.calls()
    assert call["body"]["file"]["sha256"] == hashlib.sha256(WAV).hexdigest()
    assert call["body"]["model"] == "whisper-1"


def test_a_transcription_s_fields_arrive_as_they_were_sent(client: openai.OpenAI, provider: Double) -> None:
    client.audio.transcriptions.create(
        **SPOKEN,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        temperature=0.5,
        language="en",
    )
    (call,) = provider.calls()
    sent = {name: value for name, value in call["body"].items() if name != "file"}
    assert sent == {
        "model": "whisper-1",
        "response_format": "verbose_json",
        "timestamp_granularities[]": ["word", "segment"],
        "temperature": "0.5",
        "language": "en",
    }


def test_streamed_transcription(client: openai.OpenAI) -> None:
    stream: Any = client.audio.transcriptions.create(**SPOKEN, stream=True)
    *deltas, done = list(stream)
    assert done.type == "transcript.text.done"
    assert "".join(one.delta for one in deltas) == done.text


def test_translation(client: openai.OpenAI) -> None:
    reply: Any = client.audio.translations.create(**SPOKEN, response_format="srt")
    assert "translate a.wav" in reply


def test_edited_images(client: openai.OpenAI, provider: Double) -> None:
    reply = client.images.edit(model="gpt-image-1", image=[("a.png", PNG), ("b.png", PNG)], prompt="a cat", n=2)
    assert len(reply.data or []) == 2
    (call,) = provider.calls()
    assert [one["filename"] for one in call["body"]["image[]"]] == ["a.png", "b.png"]
    events = list(client.images.edit(model="gpt-image-1", image=PNG, prompt="a", stream=True, partial_images=1))
    assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]


def post(gateway: GatewayProcess, path: str = "/v1/audio/transcriptions", **sent: Any) -> httpx.Response:
    with gateway.client() as client:
        return client.post(path, **sent)


FILE: dict[str, Any] = {"file": ("a.wav", WAV)}
MODEL: dict[str, Any] = {"model": "whisper-1"}


@pytest.mark.parametrize(
    ("sent", "status", "code", "param"),
    [
        ({"json": MODEL}, 415, "unsupported_media_type", None),
        ({"data": MODEL, "files": FILE, "headers": {"Content-Encoding": "gzip"}}, 415, "unsupported_media_type", None),
        ({"data": MODEL, "files": {"file": ("a", b"x" * LIMIT)}}, 413, "payload_too_large", None),
        ({"data": {"api_base": "x", **MODEL}, "files": FILE}, 400, "unknown_parameter", "api_base"),
        ({"data": MODEL, "files": {"other": ("a", b"x")}}, 400, "missing_required_parameter", "file"),
        ({"data": {**MODEL, "temperature": "hot"}, "files": FILE}, 400, "invalid_value", "temperature"),
        ({"data": {**MODEL, "language": ["en", "de"]}, "files": FILE}, 400, "duplicate_field", "language"),
        ({"data": {**MODEL, "file": "text"}, "files": {"prompt": ("a", b"x")}}, 400, "invalid_type", "file"),
        ({"data": {"model": "gemini-2.0-flash"}, "files": FILE}, 404, "model_not_found", "model"),
        ({"data": MODEL, "files": {"file": ("a.wav", b"")}}, 400, "invalid_value", "file"),
    ],
    ids=["json", "packed", "large", "unknown", "file", "number", "twice", "text", "model", "empty"],
)
def test_what_is_refused(
    gateway: GatewayProcess, provider: Double, sent: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    reply = post(gateway, **sent)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert reply.json()["error"]["param"] == param
    assert provider.calls() == []


def test_a_form_that_never_ends(gateway: GatewayProcess, provider: Double) -> None:
    head = b"POST /v1/images/edits HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=x\r\n"
    with gateway.connect() as connection:
        connection.sendall(head + b"content-length: 1000\r\n\r\n--x\r\n")
        answer = connection.recv(65536)
        while b"}}" not in answer:
            answer += connection.recv(65536)
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "body_timeout"
    assert provider.calls() == []


def test_a_failed_attempt_is_made_again_with_the_same_file(client: openai.OpenAI, provider: Double) -> None:
    provider.script("openai", {"kind": "status", "status": 503})
    assert "a.wav" in client.audio.transcriptions.create(**SPOKEN).text
    first, second = provider.calls()
    assert first["body"] == second["body"]
