"""A caller as ASGI sees it: a scope, what it sends, and what comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from starlette.types import Message, Receive, Scope


def scope(
    method: str = "POST",
    path: str = "/v1/chat/completions",
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Scope:
    """An HTTP scope of a caller on this machine."""
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    return {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "root_path": "",
        "query_string": b"",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "headers": raw,
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        **more,
    }


def receiving(*messages: Message | bytes) -> Receive:
    """Gives the messages (bytes are parts of a body), then waits for ever, as a caller that stays does."""
    left = list(messages)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        message = left.pop(0)
        if isinstance(message, bytes):
            return {"type": "http.request", "body": message, "more_body": bool(left) and isinstance(left[0], bytes)}
        return message

    return receive


LEFT: Message = {"type": "http.disconnect"}


class Sent:
    """What an application sent; the ``send`` it is given."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def starts(self) -> list[Message]:
        """The messages that begin a response: there may be one."""
        return [m for m in self.messages if m["type"] == "http.response.start"]

    @property
    def status(self) -> int:
        """The one response's status."""
        (start,) = self.starts
        return int(start["status"])

    @property
    def headers(self) -> dict[str, str]:
        """The one response's headers, by lower-case name."""
        (start,) = self.starts
        return {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}

    @property
    def body(self) -> bytes:
        """All parts of the body."""
        return b"".join(m.get("body", b"") for m in self.messages if m["type"] == "http.response.body")

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def ended(self) -> bool:
        """Whether the body was ended."""
        return bool(self.messages) and not self.messages[-1].get("more_body", False)


class Lines:
    """A log that keeps its lines; the ``log`` that is handed around."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def __call__(self, level: str, event: str, **fields: Any) -> None:
        self.lines.append({"level": level, "event": event, **fields})

    def of(self, event: str) -> list[dict[str, Any]]:
        """The lines of one event."""
        return [line for line in self.lines if line["event"] == event]
