"""OpenAI's routes that are no chat, carried as OpenAI has them. A gateway as it is shipped names no model for them."""

from __future__ import annotations

from typing import Any

from gateway.http.openapi import replies
from gateway.http.openapi.row import EVENTS, Kind, Row
from gateway.http.schema.images import IMAGE
from gateway.http.schema.moderation import MODERATION
from gateway.http.schema.speech import SPEECH

CONFIGURED = "404 says what to configure where no model does this."

ROWS: tuple[Row, ...] = (
    Row(
        "POST",
        "/v1/moderations",
        "OpenAI",
        "Moderations",
        replies.Moderations,
        Kind.MODEL,
        says=CONFIGURED,
        body=MODERATION,
        example={"input": "Hello"},
    ),
    Row(
        "POST",
        "/v1/images/generations",
        "OpenAI",
        "Images",
        replies.Images,
        Kind.MODEL,
        says=CONFIGURED,
        body=IMAGE,
        example={"prompt": "A lighthouse at dusk", "size": "1024x1024"},
        more={EVENTS: "Partial images, then the whole one, where `stream` is true."},
    ),
    Row(
        "POST",
        "/v1/audio/speech",
        "OpenAI",
        "Speech",
        Any,
        Kind.MODEL,
        says=f"The audio comes as it is made. {CONFIGURED}",
        body=SPEECH,
        example={"model": "tts-1", "voice": "alloy", "input": "Hello"},
        gives="audio/*",
        more={EVENTS: "Pieces of the audio, where `stream_format` is `sse`."},
    ),
)
