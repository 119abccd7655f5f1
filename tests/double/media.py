"""OpenAI's replies to moderations, images and speech: a `Reply` each, made from a JSON body or a form."""

import base64
import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import form
from .ask import count_words
from .wire import Event

Json = dict[str, Any]

#: A picture of one transparent pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
FLAG = "[[flag]]"  # in a text: it is violent
SPEECH_KINDS = {
    "mp3": "audio/mpeg", "opus": "audio/opus", "aac": "audio/aac", "flac": "audio/flac", "wav": "audio/wav",
    "pcm": "audio/pcm",
}  # fmt: skip
SPEECH_PIECES = 8
SPEECH_PIECE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Reply:
    """One of: `payload`, a JSON value or bytes; or `listed`, events or pieces of bytes. `kind`: the content type, where
    it is neither JSON nor server-sent events. `streamed`: the caller asked for events."""

    payload: Any = None
    listed: tuple[Event, ...] | None = None
    kind: str = ""
    streamed: bool = False


def moderation(body: Json, call_id: int) -> Reply:
    """POST /moderations: one result for each text, one for a list of parts; nothing is flagged but `[[flag]]`."""
    given = body.get("input")
    if not given:
        raise ValueError("Missing required parameter: 'input'.")
    texts = given if isinstance(given, list) and isinstance(given[0], str) else [given]
    results = [_result(FLAG in str(text)) for text in texts]
    return Reply({"id": f"modr-{call_id}", "model": body.get("model", "omni-moderation-latest"), "results": results})


def _result(flagged: bool) -> Json:
    return {
        "flagged": flagged,
        "categories": {name: flagged and name == "violence" for name in CATEGORIES},
        "category_scores": {name: 0.9 if flagged and name == "violence" else 0.001 for name in CATEGORIES},
        "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
    }


def image_generation(body: Json, call_id: int) -> Reply:
    """POST /images/generations: `n` pictures, or their events."""
    del call_id
    if not body.get("prompt"):
        raise ValueError("Missing required parameter: 'prompt'.")
    return _images(body, "image_generation", stream=body.get("stream") is True)


def image_edit(fields: form.Form, call_id: int) -> Reply:
    """POST /images/edits: the same, from a form with at least one picture and a prompt."""
    del call_id
    form.file(fields, "image", "image[]")
    names = ("prompt", "n", "size", "quality", "background", "output_format", "partial_images")
    body = {name: form.text(fields, name) for name in names if name in fields}
    if not body.get("prompt"):
        raise ValueError("Missing required parameter: 'prompt'.")
    return _images(body, "image_edit", stream=form.text(fields, "stream") == "true")


def _images(body: Json, kind: str, *, stream: bool) -> Reply:
    picture = base64.b64encode(PNG).decode()
    tokens = count_words(str(body["prompt"]))
    usage = {
        "input_tokens": tokens,
        "input_tokens_details": {"text_tokens": tokens, "image_tokens": 0},
        "output_tokens": 272,
        "total_tokens": tokens + 272,
    }
    look = {
        "background": body.get("background", "opaque"),
        "output_format": body.get("output_format", "png"),
        "quality": body.get("quality", "low"),
        "size": body.get("size", "1024x1024"),
    }
    created = int(time.time())
    if not stream:
        linked = body.get("response_format") == "url"
        one = {"url": "https://images.invalid/1.png"} if linked else {"b64_json": picture}
        return Reply({"created": created, **look, "data": [one] * int(body.get("n") or 1), "usage": usage})
    event = {"b64_json": picture, "created_at": created, **look}
    names = [f"{kind}.partial_image"] * int(body.get("partial_images") or 0)
    parts = [Event("text", {"type": name, **event, "partial_image_index": at}, name) for at, name in enumerate(names)]
    name = f"{kind}.completed"
    return Reply(listed=(*parts, Event("finish", {"type": name, **event, "usage": usage}, name)), streamed=True)


def speech(body: Json, call_id: int) -> Reply:
    """POST /audio/speech: bytes drawn from the text, in pieces; or `speech.audio.delta` events that hold them."""
    del call_id
    text, wanted = body.get("input"), body.get("response_format", "mp3")
    if not isinstance(text, str) or not text or not body.get("voice"):
        raise ValueError(f"Missing required parameter: '{'voice' if text else 'input'}'.")
    if wanted not in SPEECH_KINDS:
        raise ValueError(f"Invalid value: '{wanted}'. Supported values are: {', '.join(SPEECH_KINDS)}.")
    pieces = list(_sound(text))
    if body.get("stream_format") != "sse":
        return Reply(listed=tuple(Event("text", piece) for piece in pieces), kind=SPEECH_KINDS[wanted])
    deltas = [
        Event("text", {"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()}) for piece in pieces
    ]
    words = count_words(text)
    usage = {"input_tokens": words, "output_tokens": words, "total_tokens": 2 * words}
    return Reply(listed=(*deltas, Event("finish", {"type": "speech.audio.done", "usage": usage})), streamed=True)


def _sound(text: str) -> Iterator[bytes]:
    sound = hashlib.shake_256(text.encode()).digest(SPEECH_PIECES * SPEECH_PIECE_BYTES)
    for start in range(0, len(sound), SPEECH_PIECE_BYTES):
        yield sound[start : start + SPEECH_PIECE_BYTES]
