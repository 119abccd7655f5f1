"""What the clients' tests ask, and of whom."""

from __future__ import annotations

import base64
from typing import Any

from pydantic import BaseModel

from tests.double.client import Double
from tests.support.gateway import models

#: One model on each wire, and the one for embeddings.
MODELS = ("gemini-2.0-flash", "gpt-4o-mini")
EMBEDDER = "text-embedding-3-small"
LISTED = ["default", *MODELS, EMBEDDER]
#: Long enough to leave in the middle of it; see `tests.double.ask` for the marker.
LONG = "[[words:40]]"
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(32)).decode()
#: The double asks for a tool where it reads this, and repeats what the tool said.
USE_TOOL = "use the tool"
#: A provider that is down, that has no room, and that says nothing.
DOWN: dict[str, Any] = {"kind": "status", "status": 500}
BUSY: dict[str, Any] = {"kind": "status", "status": 429, "retry_after": 9}
SILENT = "silence"
BROKEN: dict[str, Any] = {"kind": "error_event", "after_chunks": 3}
#: The administrator's key of the gateway that asks for one.
MASTER = "master-key-of-the-test"
#: What OpenAI has that is no chat, under its own names, which LiteLLM's map knows.
MEDIA = ("gpt-image-1", "gpt-4o-mini-tts", "gpt-4o-mini-transcribe", "whisper-1", "omni-moderation-latest")


def with_media(double: Double) -> dict[str, Any]:
    """The shipped models, and those."""
    file = models(double.gemini_base, double.openai_base)
    for name in MEDIA:
        own = {"model": f"openai/{name}", "api_base": double.openai_base, "api_key": "os.environ/OPENAI_API_KEY"}
        file["model_list"].append({"model_name": name, "litellm_params": own})
    return file


class Person(BaseModel):
    """What structured output is asked for; the double makes the least value that fits."""

    name: str
    age: int
