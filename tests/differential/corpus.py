"""Reads the corpus: what a caller asks, and what the provider answers.

A file is `{to: [names of models.yaml], cases: [case, ...]}`, beside `shared`, for YAML's anchors. A case:

    id        unlike every other
    to        the models it is played on; the file's, if absent
    ask       the caller's body, without model and stream; a greeting, if absent
    reply     by wire (`openai`, `gemini`) or for both: status, headers, content_type, body, events, envelope
    play      [plain, stream], or one of them; if absent both, and plain alone where there is no reply of its own:
              what is sent differs by the stream's two parameters, which the cases that name both see to
    own       true for a deployment of its own, since what it does is remembered of a deployment

`envelope` is laid under the body and each event that is an object. Where a reply has a body only, its events are made
of it; where a case has no reply, a short answer is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.differential import events

Json = dict[str, Any]
FOLDER = Path(__file__).parent
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _yaml(path: Path) -> Any:
    return yaml.load(path.read_text(), LOADER)


MODELS: list[Json] = _yaml(FOLDER / "models.yaml")
KEYS = frozenset({"id", "to", "ask", "reply", "play", "own", "note"})
REPLY_KEYS = frozenset({"status", "headers", "content_type", "body", "events", "envelope"})
GREETING: Json = {"messages": [{"role": "user", "content": "Hello"}]}
ANSWERS: dict[str, Json] = {
    "openai": {
        "id": "chatcmpl-recorded0001",
        "object": "chat.completion",
        "created": 1764000000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello. What can I do?", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15},
        "service_tier": "default",
        "system_fingerprint": "fp_recorded",
    },
    "gemini": {
        "candidates": [
            {
                "content": {"parts": [{"text": "Hello. What can I do?"}], "role": "model"},
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 6, "totalTokenCount": 15},
        "modelVersion": "gemini-2.0-flash",
        "responseId": "recorded0001",
    },
}


@dataclass(frozen=True)
class Case:
    """One request to one model, and the reply to it. `model` is the name that the caller uses."""

    id: str
    model: str
    wire: str
    ask: Json
    reply: Json
    plays: tuple[str, ...] = ("plain", "stream")
    entry: Json = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`id@deployment`, as `differences.yaml` names it."""
        return f"{self.id}@{self.model.partition('~')[0]}"

    @property
    def fault(self) -> Json:
        """The reply, as the double is told it."""
        status = self.reply.get("status", 200)
        if status == 200:
            return {
                "kind": "status",
                "status": 200,
                "body": self.reply.get("body", {}),
                "events": self.reply["events"],
                "content_type": self.reply.get("content_type", "application/json"),
                "headers": self.reply.get("headers", {}),
            }
        return {"kind": "status", **self.reply} | {"status": status}


def load() -> list[Case]:
    """All cases; raises ValueError for one that makes no sense."""
    cases = [case for path in sorted((FOLDER / "corpus").glob("*.yaml")) for case in _file(path)]
    names = [case.name for case in cases]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"cases of the same name: {sorted(twice)}")
    return cases


def _file(path: Path) -> Iterator[Case]:
    data = _yaml(path)
    for one in data["cases"]:
        if unknown := set(one) - KEYS:
            raise ValueError(f"{path.name}: {one.get('id')}: unknown keys {sorted(unknown)}")
        for model in one.get("to") or data["to"]:
            yield _case(path, one, model)


def _case(path: Path, one: Json, model: str) -> Case:
    entry = next((entry for entry in MODELS if entry["model_name"] == model), None)
    if entry is None:
        raise ValueError(f"{path.name}: {one['id']}: no model is called {model!r}")
    wire = entry["litellm_params"]["model"].partition("/")[0]
    reply = one.get("reply") or {}
    reply = _whole(reply.get(wire, {}) if {"openai", "gemini"} & set(reply) else reply, wire)
    if unknown := set(reply) - REPLY_KEYS:
        raise ValueError(f"{path.name}: {one['id']}: unknown keys of the reply {sorted(unknown)}")
    own = one.get("own") or reply.get("status", 200) >= 400
    return Case(
        id=one["id"],
        model=f"{model}~{one['id']}" if own else model,
        wire=wire,
        ask=GREETING | (one.get("ask") or {}),
        reply=reply,
        plays=tuple(one.get("play") or (("plain", "stream") if "reply" in one else ("plain",))),
        entry=entry,
    )


def _whole(reply: Json, wire: str) -> Json:
    reply = dict(reply)
    if reply.get("status", 200) != 200:
        return reply
    if "body" not in reply and "events" not in reply:
        reply["body"] = ANSWERS[wire]
    envelope = reply.pop("envelope", {})
    if isinstance(reply.get("body"), dict):
        reply["body"] = envelope | reply["body"]
    if "events" not in reply:
        reply["events"] = events.of(wire, reply["body"])
    else:
        reply["events"] = [_under(envelope, event, wire) for event in reply["events"]]
    return reply


def _under(envelope: Json, event: Any, wire: str) -> Any:
    if not isinstance(event, dict):
        return event
    kind = {"object": "chat.completion.chunk"} if wire == "openai" and envelope else {}
    return envelope | kind | event
