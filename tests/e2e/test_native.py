"""OpenAI's routes that are no chat, and its own responses, over the real wire with OpenAI's own client."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.double.client import Double
from tests.double.media import SPEECH_PIECE_BYTES, SPEECH_PIECES
from tests.support.gateway import GatewayProcess, models

NAMES = {
    "drawing": "openai/gpt-image-1",
    "spare": "openai/gpt-image-1-mini",
    "speaking": "openai/gpt-4o-mini-tts",
    "judging": "openai/omni-moderation-latest",
}


def configured(double: Double) -> dict[str, Any]:
    """The shipped models, and some of OpenAI's that are no chat."""
    file = models(double.gemini_base, double.openai_base)
    for name, model in NAMES.items():
        own = {"model": model, "api_base": double.openai_base, "api_key": "os.environ/OPENAI_API_KEY"}
        file["model_list"].append({"model_name": name, "litellm_params": own})
    file["router_settings"]["fallbacks"].append({"drawing": ["spare"]})
    return file


@pytest.fixture(scope="module")
def gateway(start_shared: Any, double: Double) -> GatewayProcess:
    started: GatewayProcess = start_shared({}, models=configured(double))
    return started


@pytest.fixture
def client(gateway: GatewayProcess, provider: Double) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="unused", max_retries=0, timeout=20) as made:
        yield made


def test_moderations(client: openai.OpenAI, provider: Double) -> None:
    reply = client.moderations.create(input=["[[flag]]", "a kind word"])
    assert [result.flagged for result in reply.results] == [True, False]
    assert reply.model == "judging"
    (call,) = provider.calls()
    assert (call["path"], call["body"]) == (
        "/openai/v1/moderations",
        {"input": ["[[flag]]", "a kind word"], "model": "omni-moderation-latest"},
    )


def test_an_image(client: openai.OpenAI, provider: Double, gateway: GatewayProcess) -> None:
    reply = client.images.with_raw_response.generate(model="drawing", prompt="a lighthouse", size="1024x1024", n=1)
    image = reply.parse().data
    assert image is not None and base64.b64decode(image[0].b64_json or "").startswith(b"\x89PNG")
    assert reply.headers["x-ivy-model"] == "drawing"
    line = gateway.wait_log("model_call")[-1]
    assert (line["deployment"].partition("#")[0], line["lane"], line["outcome"]) == ("drawing", "native", "ok")


def test_a_streamed_image(client: openai.OpenAI, provider: Double) -> None:
    events = list(client.images.generate(model="drawing", prompt="a lighthouse", stream=True, partial_images=1))
    assert [event.type for event in events][-1] == "image_generation.completed"
    assert "image_generation.partial_image" in [event.type for event in events]


def test_a_failing_model_is_stood_in_for(client: openai.OpenAI, provider: Double) -> None:
    provider.script("openai", {"kind": "status", "status": 503}, then="repeat", model="gpt-image-1")
    reply = client.images.with_raw_response.generate(model="drawing", prompt="a lighthouse")
    assert (reply.headers["x-ivy-model"], reply.headers["x-ivy-fallback-reason"]) == ("spare", "overloaded")


def test_speech_is_streamed_bytes(client: openai.OpenAI, provider: Double) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="speaking", voice="alloy", input="Good morning", response_format="wav"
    ) as reply:
        pieces = list(reply.iter_bytes())
        assert reply.headers["content-type"] == "audio/wav"
    assert len(b"".join(pieces)) == SPEECH_PIECES * SPEECH_PIECE_BYTES


def test_speech_that_breaks_off_is_no_whole_answer(client: openai.OpenAI, provider: Double) -> None:
    provider.script("openai", {"kind": "cut"}, then="repeat")
    with (
        pytest.raises((httpx.RemoteProtocolError, openai.APIError)),
        client.audio.speech.with_streaming_response.create(model="speaking", voice="alloy", input="hello") as reply,
    ):
        list(reply.iter_bytes())


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("audio/speech", {"model": "drawing", "input": "a", "voice": "alloy"}, "these can: speaking"),
        ("images/generations", {"model": "judging", "prompt": "a"}, "these can: drawing, spare"),
        ("moderations", {"model": "nope", "input": "a"}, "There is no model 'nope' here"),
    ],
)
def test_a_model_that_can_not(gateway: GatewayProcess, provider: Double, path: str, body: Any, words: str) -> None:
    with gateway.client() as http:
        reply = http.post(f"/v1/{path}", json=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "model_not_found")
    assert words in reply.json()["error"]["message"]
    assert provider.calls() == []


@pytest.mark.parametrize("path", ["moderations", "images/generations"])
def test_where_none_is_configured_the_caller_is_told_how(start_shared: Any, path: str) -> None:
    with start_shared().client() as http:
        reply = http.post(f"/v1/{path}", json={"input": "a"} if path == "moderations" else {"prompt": "a"})
    assert reply.status_code == 404
    assert "'model_info' has the mode '" in reply.json()["error"]["message"]


def test_a_caller_who_leaves_ends_the_provider_s_call(gateway: GatewayProcess, provider: Double) -> None:
    provider.script("openai", "silence")
    with gateway.client() as http, pytest.raises(httpx.ReadTimeout):
        http.post("/v1/images/generations", json={"prompt": "a", "model": "drawing"}, timeout=0.3)
    (call,) = provider.wait_calls(1)
    assert call["outcome"] == "aborted"


def test_what_openai_keeps_is_asked_of_openai(client: openai.OpenAI, provider: Double) -> None:
    first = client.responses.create(model="gpt-4o-mini", input="[[say:one]]", store=True)
    again = client.responses.create(model="gpt-4o-mini", input="[[say:two]]", previous_response_id=first.id)
    assert (first.output_text, again.output_text) == ("one", "two")
    assert (first.model, again.previous_response_id) == ("gpt-4o-mini", first.id)
    assert [call["path"] for call in provider.calls()] == ["/openai/v1/responses"] * 2


def test_its_own_stream_is_passed_on(client: openai.OpenAI, provider: Double) -> None:
    with client.responses.stream(model="gpt-4o-mini", input="[[say:one two]]", store=True) as stream:
        types = [event.type for event in stream]
        assert stream.get_final_response().output_text == "one two"
    assert types[0] == "response.created" and types[-1] == "response.completed"


def test_its_own_stream_that_breaks_says_so(client: openai.OpenAI, provider: Double) -> None:
    provider.script("openai", {"kind": "cut"}, then="repeat")
    with pytest.raises(openai.APIError):
        list(client.responses.create(model="gpt-4o-mini", input="[[say:one two three]]", store=True, stream=True))


def test_one_that_hangs_is_left_after_its_time(client: openai.OpenAI, provider: Double) -> None:
    provider.script("openai", "silence", then="repeat", model="gpt-image-1")
    reply = client.images.with_raw_response.generate(model="drawing", prompt="a")
    assert (reply.headers["x-ivy-model"], reply.headers["x-ivy-fallback-reason"]) == ("spare", "attempt_timeout")


@pytest.fixture(scope="module")
def by_litellm(start_shared: Any, double: Double) -> GatewayProcess:
    """The same models, as those of another provider are carried."""
    started: GatewayProcess = start_shared({"upstream": {"lane": "litellm"}}, models=configured(double))
    return started


def test_what_litellm_carries(by_litellm: GatewayProcess, provider: Double) -> None:
    with openai.OpenAI(base_url=f"{by_litellm.url}/v1", api_key="unused", max_retries=0, timeout=20) as client:
        judged = client.moderations.create(model="judging", input="[[flag]]")
        drawn = client.images.generate(model="drawing", prompt="a lighthouse").data
        spoken = client.audio.speech.create(model="speaking", voice="alloy", input="hello").read()
        vectors = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"]).data
    assert judged.results[0].flagged
    assert drawn is not None and base64.b64decode(drawn[0].b64_json or "").startswith(b"\x89PNG")
    assert len(spoken) == SPEECH_PIECES * SPEECH_PIECE_BYTES
    assert len(vectors) == 2


def test_what_litellm_does_not_carry_is_refused(by_litellm: GatewayProcess, provider: Double) -> None:
    with by_litellm.client() as http:
        reply = http.post("/v1/images/generations", json={"model": "drawing", "prompt": "a", "stream": True})
    assert reply.status_code == 400, reply.text
    assert "no streamed image generation" in reply.json()["error"]["message"]
    assert provider.calls() == []
