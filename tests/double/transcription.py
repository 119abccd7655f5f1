"""OpenAI's replies to transcriptions and translations: what the file is called and how large it is, in words."""

import re
from typing import Any

from . import form
from .media import Reply
from .wire import Event

Json = dict[str, Any]
SECONDS = 2.5  # that every recording takes
TEXT = "text/plain; charset=utf-8"
FORMATS = ("json", "text", "srt", "verbose_json", "vtt", "diarized_json")


def transcription(fields: form.Form, call_id: int) -> Reply:
    """POST /audio/transcriptions, in the `response_format` asked for, or streamed."""
    del call_id
    return _reply(fields, "transcribe", form.text(fields, "language", "english"))


def translation(fields: form.Form, call_id: int) -> Reply:
    """POST /audio/translations: the same, never streamed."""
    del call_id
    return _reply({name: values for name, values in fields.items() if name != "stream"}, "translate", "english")


def _reply(fields: form.Form, task: str, language: str) -> Reply:
    file, wanted = form.file(fields, "file"), form.text(fields, "response_format", "json")
    text = f"{task} {file.name}, {len(file.content)} bytes"
    if wanted not in FORMATS:
        raise ValueError(f"Invalid value: '{wanted}'. Supported values are: {', '.join(FORMATS)}.")
    if form.text(fields, "stream") == "true":
        return Reply(listed=_events(text), streamed=True)
    if wanted == "json":
        return Reply({"text": text, "usage": _usage(text)})
    if wanted.endswith("_json"):
        return Reply(_detailed(text, task, language, fields, diarized=wanted == "diarized_json"))
    return Reply(_plain(text, wanted).encode(), kind=TEXT)


def _events(text: str) -> tuple[Event, ...]:
    deltas = [Event("text", {"type": "transcript.text.delta", "delta": one}) for one in re.findall(r"\s*\S+", text)]
    return (*deltas, Event("finish", {"type": "transcript.text.done", "text": text, "usage": _usage(text)}))


def _usage(text: str) -> Json:
    words = len(text.split())
    details = {"text_tokens": 0, "audio_tokens": 25}
    return {
        "type": "tokens",
        "input_tokens": 25,
        "input_token_details": details,
        "output_tokens": words,
        "total_tokens": 25 + words,
    }


def _detailed(text: str, task: str, language: str, fields: form.Form, *, diarized: bool) -> Json:
    whole: Json = {"task": task, "duration": SECONDS, "text": text, "usage": {"type": "duration", "seconds": SECONDS}}
    segment: Json = {"start": 0.0, "end": SECONDS, "text": text}
    if diarized:
        return whole | {"segments": [{"id": "seg_0", "type": "transcript.text.segment", "speaker": "A", **segment}]}
    granularities = fields.get("timestamp_granularities[]", ["segment"])
    measures = {"avg_logprob": -0.1, "compression_ratio": 1.0, "no_speech_prob": 0.01}
    if "segment" in granularities:
        whole["segments"] = [{"id": 0, "seek": 0, **segment, "tokens": [1, 2], "temperature": 0.0, **measures}]
    if "word" in granularities:
        whole["words"] = [{"word": word, "start": 0.0, "end": SECONDS} for word in text.split()]
    return whole | {"language": language}


def _plain(text: str, wanted: str) -> str:
    if wanted == "srt":
        return f"1\n00:00:00,000 --> 00:00:02,500\n{text}\n\n"
    return f"WEBVTT\n\n00:00:00.000 --> 00:00:02.500\n{text}\n\n" if wanted == "vtt" else f"{text}\n"
