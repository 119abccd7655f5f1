"""OpenAI's routes that take a form. A gateway as it is shipped names no model for them.

A file of an example is written as curl has it: ``@`` and its name.
"""

from __future__ import annotations

from gateway.http.openapi import replies
from gateway.http.openapi.native_rows import CONFIGURED
from gateway.http.openapi.row import EVENTS, FORM, TEXT, Kind, Row
from gateway.http.schema.image_edit import IMAGE_EDIT
from gateway.http.schema.transcription import TRANSCRIPTION, TRANSLATION

AS_TEXT = "The text, or its subtitles, where `response_format` is `text`, `srt` or `vtt`."

ROWS: tuple[Row, ...] = (
    Row(
        "POST",
        "/v1/audio/transcriptions",
        "OpenAI",
        "Transcriptions",
        replies.Transcription,
        Kind.MODEL,
        says=CONFIGURED,
        body=TRANSCRIPTION,
        takes=FORM,
        example={"model": "whisper-1", "file": "@speech.mp3"},
        more={TEXT: AS_TEXT, EVENTS: "Pieces of the text, then the whole of it, where `stream` is true."},
    ),
    Row(
        "POST",
        "/v1/audio/translations",
        "OpenAI",
        "Transcriptions in English",
        replies.Transcription,
        Kind.MODEL,
        says=CONFIGURED,
        body=TRANSLATION,
        takes=FORM,
        example={"model": "whisper-1", "file": "@speech.mp3"},
        more={TEXT: AS_TEXT},
    ),
    Row(
        "POST",
        "/v1/images/edits",
        "OpenAI",
        "Edited images",
        replies.Images,
        Kind.MODEL,
        says=f"Several images are sent as `image[]`. {CONFIGURED}",
        body=IMAGE_EDIT,
        takes=FORM,
        example={"prompt": "Put a lighthouse on the cliff", "image": "@cliff.png"},
        more={EVENTS: "Partial images, then the whole one, where `stream` is true."},
    ),
)
