"""What is asked: the rows of the table, and how each target is asked for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import yaml

from bench import provider, replies
from bench.client import Ask
from bench.litellm_proxy import KEY
from policies.common.schema import Schema
from tests.support.gateway import KEYS, ROOT

Wire = Literal["openai", "gemini"]
Section = Literal["chat", "streams", "ivy"]
TargetName = Literal["provider", "gateway", "litellm", "portkey"]
Json = dict[str, Any]

WIRES: Sequence[Wire] = ("openai", "gemini")
MODELS: dict[str, str] = {"openai": "gpt-4o-mini", "gemini": "gemini-2.0-flash"}
LABELS: dict[str, str] = {"openai": "OpenAI's wire", "gemini": "Gemini's wire"}
CALLERS = (1, 32)
USERS = 1000
CHAT, IVY = "/v1/chat/completions", "/ai/router/v2"
QUESTION = "What should I do about Maya before our call on Thursday?"
LEAD = {"name": "Maya Chen", "status": "qualified", "leadScore": 82}
#: The end of the modal's payload, which no modal made without the provider has.
PAYLOAD_END = replies.LAST
CONFIG = ROOT / "config"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of request. ``assistant`` is the question that this gateway's own route is asked; everyone else is
    asked for the same provider's reply on the chat route. ``model`` where it is not the wire's own; ``user`` names
    whoever asks."""

    id: str
    section: Section
    label: str
    wire: Wire
    streamed: bool = False
    assistant: str = ""
    modal: bool = False
    text: str = QUESTION
    model: str = ""
    user: str = ""


def _rows() -> list[Row]:
    plain = [Row(f"chat-{wire}", "chat", f"plain chat, {LABELS[wire]}", wire) for wire in WIRES]
    streams = [Row(f"stream-{wire}", "streams", f"20 chunks, {LABELS[wire]}", wire, streamed=True) for wire in WIRES]
    ivy = [
        Row("ivy-conversational", "ivy", f"{IVY}, conversational", "gemini", assistant="How is Maya doing?"),
        Row("ivy-modal", "ivy", f"{IVY}, modal", "gemini", assistant="What is the next best action?", modal=True),
    ]
    return plain + streams + ivy


ROWS: Sequence[Row] = _rows()


def asks(target: TargetName, row: Row, provider_port: int) -> list[Ask]:
    """How ``target`` is asked for ``row``: one request, or on the assistant's route one of each user."""
    made = _ASKS[target](row, provider_port)
    if target == "gateway" and row.assistant and not row.user:
        return [replace(made, headers={**made.headers, "X-User-ID": f"user-{number}"}) for number in range(USERS)]
    return [made]


def slow(target: TargetName, wire: Wire, provider_port: int) -> Ask:
    """A stream of one chunk a second, each of which says when it was sent."""
    row = Row(f"slow-{wire}", "streams", "", wire, streamed=True, text=f"{provider.SLOW.decode()} {QUESTION}")
    [ask] = asks(target, row, provider_port)
    return replace(ask, holds=ask.holds[1:], token="<", events=provider.SECONDS, stamped=True)


def _expects(row: Row, *, openai: bool = True) -> tuple[tuple[str, ...], int]:
    """What a reply must hold, and how many events it must have."""
    if row.streamed:
        return (replies.LAST, "[DONE]" if openai else '"STOP"'), replies.CHUNKS
    return (PAYLOAD_END if row.modal else replies.TEXT,), 0


def _chat_body(row: Row) -> Json:
    body: Json = {"model": row.model or MODELS[row.wire], "messages": [{"role": "user", "content": row.text}]}
    if row.assistant:
        body |= _composed(row)
    return {**body, "stream": True} if row.streamed else body


def _composed(row: Row) -> Json:
    """What an application would send by itself for such a question: the prompt, the data and, for a modal, its schema
    as this gateway tells it to a provider."""
    prompts = ["assistant.md", "tone.md", *(["modal.md"] if row.modal else [])]
    system = "\n\n".join((CONFIG / "prompts" / name).read_text().strip() for name in prompts)
    asked: Json = {}
    if row.modal:
        kind = yaml.safe_load((CONFIG / "modals.yaml").read_text())["types"]["suggestions"]
        actions = list(yaml.safe_load((CONFIG / "actions.yaml").read_text())["actions"])
        schema, strict = Schema(json.loads((CONFIG / kind["schema"]).read_text())).for_model(actions)
        system += f"\n\n{kind['instruction'].strip()}"
        told = {"name": "suggestions", "schema": schema, "strict": strict}
        asked = {"response_format": {"type": "json_schema", "json_schema": told}, "temperature": 0}
    user = f"{row.assistant}\n\nBEGIN DATA\n{json.dumps({'lead': LEAD}, indent=1)}\nEND DATA"
    return {"messages": [{"role": "system", "content": system}, {"role": "user", "content": user}], **asked}


def _chat(row: Row, headers: Mapping[str, str]) -> Ask:
    holds, events = _expects(row)
    return Ask(CHAT, _chat_body(row), holds, replies.FIRST, headers, events)


def _provider(row: Row, port: int) -> Ask:
    del port
    if row.wire == "openai":
        return _chat(row, {"Authorization": f"Bearer {KEYS['OPENAI_API_KEY']}"})
    holds, events = _expects(row, openai=False)
    body: Json = {"contents": [{"role": "user", "parts": [{"text": row.text}]}]}
    if row.modal:
        body["generationConfig"] = {"response_mime_type": "application/json"}
    verb = "streamGenerateContent?alt=sse" if row.streamed else "generateContent"
    path = f"/v1beta/models/{MODELS['gemini']}:{verb}"
    return Ask(path, body, holds, replies.FIRST, {"x-goog-api-key": KEYS["GEMINI_API_KEY"]}, events)


def _gateway(row: Row, port: int) -> Ask:
    del port
    headers = {"Authorization": f"Bearer {KEY}", **({"X-User-ID": row.user} if row.user else {})}
    if not row.assistant:
        return _chat(row, headers)
    body = {"query": row.assistant, "context": {"lead": LEAD}}
    kind = '"kind":"modal"' if row.modal else '"kind":"conversational"'
    return Ask(IVY, body, (kind, *_expects(row)[0]), replies.FIRST, headers)


def _litellm(row: Row, port: int) -> Ask:
    del port
    return _chat(row, {"Authorization": f"Bearer {KEY}"})


def _portkey(row: Row, port: int) -> Ask:
    """Portkey has no configuration of its own: a header carries it, the same models with one retry and a fallback."""
    others: dict[Wire, Wire] = {"openai": "gemini", "gemini": "openai"}
    first = _portkey_target(row.wire, port, row.model)
    config = {"strategy": {"mode": "fallback"}, "targets": [first, _portkey_target(others[row.wire], port, "")]}
    ask = _chat(row, {"x-portkey-config": json.dumps(config)})
    # Portkey ends a stream of Gemini's without [DONE].
    return replace(ask, holds=(replies.LAST, '"finish_reason":"stop"')) if row.streamed else ask


def _portkey_target(wire: Wire, port: int, model: str) -> Json:
    common: Json = {"retry": {"attempts": 1}, "override_params": {"model": model or MODELS[wire]}}
    if wire == "openai":
        own = {"provider": "openai", "api_key": KEYS["OPENAI_API_KEY"], "custom_host": f"http://127.0.0.1:{port}/v1"}
    else:
        own = {"provider": "google", "api_key": KEYS["GEMINI_API_KEY"], "custom_host": f"http://127.0.0.1:{port}"}
    return {**own, **common}


_ASKS: dict[TargetName, Callable[[Row, int], Ask]] = {
    "provider": _provider,
    "gateway": _gateway,
    "litellm": _litellm,
    "portkey": _portkey,
}
