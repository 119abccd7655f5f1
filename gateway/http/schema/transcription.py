"""``POST /v1/audio/transcriptions`` and ``/v1/audio/translations``: OpenAI's forms, field by field."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.schema.fields import Model, Short, Text, Unit
from gateway.http.schema.forms import FORM, File, Listed

Milliseconds = Annotated[int, Field(ge=0, le=600_000)]
Word = Annotated[str, Field(min_length=1, max_length=512)]
Language = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z-]{0,31}$")]
Prompt = Annotated[str, Field(max_length=32_000)]


@FORM
class Detection(TypedDict, total=False):
    """Where a recording is cut."""

    type: Required[Literal["server_vad"]]
    prefix_padding_ms: Milliseconds
    silence_duration_ms: Milliseconds
    threshold: Unit


@FORM
class TranscriptionBody(TypedDict, total=False):
    """A recording, and how its text is wanted."""

    file: Required[File]
    model: Required[Model]
    chunking_strategy: Literal["auto"] | Detection
    include: Annotated[list[Literal["logprobs"]], Listed]
    keywords: Annotated[list[Word], Listed, Field(max_length=1000)]
    known_speaker_names: Annotated[list[Short], Listed, Field(max_length=16)]
    known_speaker_references: Annotated[list[Text], Listed, Field(max_length=16)]
    language: Language
    languages: Annotated[list[Language], Listed, Field(max_length=100)]
    prompt: Prompt
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]
    stream: bool
    temperature: Unit
    timestamp_granularities: Annotated[list[Literal["word", "segment"]], Listed, Field(max_length=2)]


@FORM
class TranslationBody(TypedDict, total=False):
    """A recording whose text is wanted in English."""

    file: Required[File]
    model: Required[Model]
    prompt: Prompt
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt"]
    temperature: Unit


TRANSCRIPTION: TypeAdapter[TranscriptionBody] = TypeAdapter(TranscriptionBody)
TRANSLATION: TypeAdapter[TranslationBody] = TypeAdapter(TranslationBody)
