from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from openai.types.audio.speech_create_params import SpeechCreateParams

from gateway.http import schema
from gateway.http.schema.speech import SPEECH, SpeechBody
from tests.support.parameter_types import literals
from tests.support.schema import ATTACKS, refused

SPOKEN: dict[str, Any] = {"input": "a", "model": "m", "voice": "alloy"}
OPENAIS = get_type_hints(SpeechCreateParams)


def test_the_table_has_what_openai_s_client_can_send() -> None:
    assert set(get_type_hints(SpeechBody)) == set(OPENAIS)


@pytest.mark.parametrize("name", ["response_format", "stream_format"])
def test_it_has_openai_s_words(name: str) -> None:
    for word in literals(OPENAIS[name]):
        schema.check(SPEECH, {**SPOKEN, name: word})
    assert refused(SPEECH, {**SPOKEN, name: "other"}).param == name


@pytest.mark.parametrize("voice", ["alloy", "a new one", {"id": "voice_1"}])
def test_any_voice_may_be_named(voice: Any) -> None:
    schema.check(SPEECH, {**SPOKEN, "voice": voice})


@pytest.mark.parametrize("name", ATTACKS)
def test_anything_else_is_refused(name: str) -> None:
    assert refused(SPEECH, {**SPOKEN, name: "x"}).param == name


@pytest.mark.parametrize(
    ("name", "value"),
    [("input", ""), ("input", "a" * 4097), ("voice", ""), ("voice", 5), ("speed", 5), ("speed", 0.2), ("model", None)],
)
def test_what_is_wrong_is_named(name: str, value: Any) -> None:
    assert refused(SPEECH, {**SPOKEN, name: value}).param == name


@pytest.mark.parametrize("name", ["input", "model", "voice"])
def test_what_is_required(name: str) -> None:
    error = refused(SPEECH, {key: value for key, value in SPOKEN.items() if key != name})
    assert (error.code, error.param) == ("missing_required_parameter", name)
