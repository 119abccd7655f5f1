from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from openai.types.audio.transcription_create_params import ChunkingStrategyVadConfig, TranscriptionCreateParamsStreaming
from openai.types.audio.translation_create_params import TranslationCreateParams

from gateway.contract import Upload
from gateway.http import schema
from gateway.http.schema.transcription import (
    TRANSCRIPTION,
    TRANSLATION,
    Detection,
    TranscriptionBody,
    TranslationBody,
)
from tests.support.parameter_types import literals
from tests.support.schema import ATTACKS, refused

FILE = Upload("a.wav", b"x", "audio/wav")
BODY: dict[str, Any] = {"file": FILE, "model": "whisper-1"}
#: One good value for every parameter: the whole of what may be sent.
GOOD: dict[str, list[Any]] = {
    "file": [FILE],
    "model": ["whisper-1"],
    "chunking_strategy": ["auto", {"type": "server_vad", "threshold": "0.5", "prefix_padding_ms": "300"}],
    "include": ["logprobs", ["logprobs"]],
    "keywords": [["Ivy"]],
    "known_speaker_names": [["agent"]],
    "known_speaker_references": [["data:audio/wav;base64,AAAA"]],
    "language": ["en"],
    "languages": [["en", "de"]],
    "prompt": [""],
    "response_format": ["json", "text", "srt", "verbose_json", "vtt", "diarized_json"],
    "stream": ["true", "false"],
    "temperature": ["0", "1"],
    "timestamp_granularities": [["word", "segment"]],
}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (TranscriptionBody, TranscriptionCreateParamsStreaming),
        (TranslationBody, TranslationCreateParams),
        (Detection, ChunkingStrategyVadConfig),
    ],
    ids=["transcription", "translation", "detection"],
)
def test_the_tables_have_what_openai_s_client_can_send(ours: Any, theirs: Any) -> None:
    assert set(get_type_hints(ours)) == set(get_type_hints(theirs))


@pytest.mark.parametrize("name", ["include", "response_format", "timestamp_granularities"])
def test_the_values_are_those_of_openai_s_client(name: str) -> None:
    ours, theirs = (get_type_hints(one)[name] for one in (TranscriptionBody, TranscriptionCreateParamsStreaming))
    assert literals(ours) == literals(theirs)


def test_a_translation_s_formats_are_those_of_openai_s_client() -> None:
    ours, theirs = (get_type_hints(one)["response_format"] for one in (TranslationBody, TranslationCreateParams))
    assert literals(ours) == literals(theirs)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_what_openai_s_schema_has_is_accepted(name: str, value: Any) -> None:
    assert set(GOOD) == set(get_type_hints(TranscriptionBody))
    schema.check(TRANSCRIPTION, {**BODY, name: value})


@pytest.mark.parametrize("table", [TRANSCRIPTION, TRANSLATION], ids=["transcription", "translation"])
@pytest.mark.parametrize("name", ATTACKS)
def test_anything_else_is_refused(table: Any, name: str) -> None:
    error = refused(table, {**BODY, name: "x"})
    assert (error.code, error.param) == ("unknown_parameter", name)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"temperature": "2"}, "temperature"),
        ({"response_format": "xml"}, "response_format"),
        ({"timestamp_granularities": ["line"]}, "timestamp_granularities[0]"),
        ({"language": "../en"}, "language"),
        ({"model": ""}, "model"),
        ({"stream": "maybe"}, "stream"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named(change: dict[str, Any], param: str) -> None:
    assert refused(TRANSCRIPTION, {**BODY, **change}).param == param
