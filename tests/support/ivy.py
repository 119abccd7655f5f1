"""Questions to a running gateway's assistant, and what was sent to the provider for them."""

from __future__ import annotations

from typing import Any

import httpx

from tests.double.client import Double
from tests.support.gateway import GatewayProcess
from tests.support.sse import Event, events

ACTIONS = {"open_call_console", "open_email_composer", "open_meeting_scheduler", "view_profile"}
NBA = "What is the next best action?"
LEAD: dict[str, Any] = {"name": "Maya Chen", "status": "qualified", "leadScore": 82}


def ask(
    gateway: GatewayProcess, headers: dict[str, str] | None = None, path: str = "v2", **body: Any
) -> httpx.Response:
    """``POST /ai/router/v2``, or another path below ``/ai/router/``."""
    return httpx.post(f"{gateway.url}/ai/router/{path}", json=body, headers=headers, timeout=120)


def told(gateway: GatewayProcess, headers: dict[str, str] | None = None, **body: Any) -> list[Event]:
    """The events of the same, streamed."""
    return events(ask(gateway, headers, **body, stream=True).text)


def user(name: str, org: str | None = None, conversation: str | None = None) -> dict[str, str]:
    """The identity headers."""
    named = {"X-User-ID": name, "X-Org-ID": org, "X-Conversation-ID": conversation}
    return {header: value for header, value in named.items() if value}


def sent(provider: Double) -> list[dict[str, str]]:
    """The messages of the last call, in OpenAI's shape, whichever wire it came on."""
    body = provider.calls()[-1]["body"]
    if "messages" in body:
        return [{"role": message["role"], "content": message["content"]} for message in body["messages"]]
    system = "".join(part["text"] for part in (body.get("system_instruction") or {"parts": []})["parts"])
    turns = [
        {
            "role": {"model": "assistant"}.get(turn["role"], turn["role"]),
            "content": "".join(part["text"] for part in turn["parts"]),
        }
        for turn in body["contents"]
    ]
    return [{"role": "system", "content": system}, *turns] if system else turns


def asked(provider: Double) -> list[str]:
    """The turns' texts of the last call, without the system prompt."""
    return [message["content"] for message in sent(provider) if message["role"] != "system"]
