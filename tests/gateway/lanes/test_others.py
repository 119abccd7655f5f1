from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from litellm.types.utils import ImageResponse, TranscriptionResponse

from gateway.contract import Operation, Upload
from gateway.lanes import others
from gateway.upstream.failures import Failure, Kind
from tests.support.fakes import deployment, make_call

SOUND = Upload("call.wav", b"RIFF", "audio/wav")
MINE = deployment("mine", provider="azure")


def call(operation: Operation, *, stream: bool = False, **params: Any) -> Any:
    return make_call(operation=operation, params=params, stream=stream)


@pytest.mark.parametrize("operation", sorted(others.METHODS))
def test_the_router_has_each_method(operation: Operation) -> None:
    import litellm

    assert callable(others.method(litellm.Router(model_list=[]), call(operation)))


@pytest.mark.parametrize(
    ("operation", "stream", "words"),
    [
        (Operation.TRANSLATION, False, "has no translation"),
        (Operation.RESPONSES, False, "has no responses"),
        (Operation.IMAGE_GENERATION, True, "has no streamed image generation"),
    ],
)
def test_what_nobody_carries_is_for_the_next_model(operation: Operation, stream: bool, words: str) -> None:
    with pytest.raises(Failure, match=words) as caught:
        others.method(object(), call(operation, stream=stream))
    assert caught.value.kind is Kind.UNSUPPORTED


def test_files_are_given_as_litellm_wants_them() -> None:
    asked = call(Operation.IMAGE_EDIT, prompt="a", image=[SOUND, SOUND], mask=SOUND, n=1)
    assert others.params(asked) == {"prompt": "a", "image": [tuple(SOUND)] * 2, "mask": tuple(SOUND), "n": 1}


def test_an_image_is_a_body_of_what_there_is() -> None:
    answered = ImageResponse(created=1, data=[{"b64_json": "aaaa"}])
    body = others.reply(MINE, call(Operation.IMAGE_GENERATION), answered).data["body"]
    assert body["created"] == 1 and body["data"][0]["b64_json"] == "aaaa"
    assert None not in body.values()


@pytest.mark.parametrize("kind", ["text", "srt", "vtt"])
def test_a_transcript_may_be_text(kind: str) -> None:
    answered = TranscriptionResponse(text="hello")
    said = others.reply(MINE, call(Operation.TRANSCRIPTION, response_format=kind), answered).data
    assert said == {"bytes": b"hello", "content_type": "text/plain; charset=utf-8"}
    assert others.reply(MINE, call(Operation.TRANSCRIPTION), answered).data["body"]["text"] == "hello"


def test_speech_is_bytes_of_the_kind_that_the_provider_says() -> None:
    response = SimpleNamespace(headers={"content-type": "audio/wav"})
    said = others.reply(MINE, call(Operation.SPEECH), SimpleNamespace(content=b"RIFF", response=response)).data
    assert said == {"bytes": b"RIFF", "content_type": "audio/wav"}
    unknown = others.reply(MINE, call(Operation.SPEECH), SimpleNamespace(content=b"RIFF")).data
    assert unknown["content_type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("operation", "answered"),
    [
        (Operation.SPEECH, SimpleNamespace(content=b"")),
        (Operation.IMAGE_GENERATION, ImageResponse(created=1, data=[])),
        (Operation.TRANSCRIPTION, TranscriptionResponse(text="")),
    ],
    ids=["speech", "image", "transcript"],
)
def test_nothing_is_no_reply(operation: Operation, answered: Any) -> None:
    with pytest.raises(Failure) as caught:
        others.reply(MINE, call(operation), answered)
    assert caught.value.kind is Kind.EMPTY
