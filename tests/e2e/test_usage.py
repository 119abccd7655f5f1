"""What was used, as the log and ``GET /v1/usage`` tell it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import litellm
import pytest

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import GatewayProcess, poll

MINI, FLASH = "gpt-4o-mini", "gemini-2.0-flash"
MASTER = {"Authorization": "Bearer master-key-of-the-test"}


def body(model: str = MINI, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "one two three " * 20}], **more}


def ask(gateway: GatewayProcess, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    return httpx.post(f"{gateway.url}/v1/chat/completions", json=body(**more), headers=headers, timeout=20)


def usage(gateway: GatewayProcess, query: str = "", headers: dict[str, str] | None = None) -> dict[str, Any]:
    reply = httpx.get(f"{gateway.url}/v1/usage{query}", headers=headers)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def total(gateway: GatewayProcess) -> dict[str, Any]:
    found: dict[str, Any] = usage(gateway)["total"]
    return found


def grown(
    gateway: GatewayProcess, before: dict[str, Any], act: Callable[[], object], requests: int = 1
) -> dict[str, Any]:
    """What ``act`` added to the totals, once it has been written down."""
    act()
    for _ in poll(5):
        now = total(gateway)
        if now["requests"] >= before["requests"] + requests:
            break
    return {name: (now[name] or 0) - (before[name] or 0) for name in now}


def line(gateway: GatewayProcess, event: str, reply: httpx.Response) -> dict[str, Any]:
    for _ in poll(5):
        found = [one for one in gateway.log(event) if one.get("request_id") == reply.headers["x-request-id"]]
        if found:
            return found[-1]
    raise AssertionError(f"the log has no {event} of it")


def test_a_reply_s_usage_and_its_cost_are_told(gateway: GatewayProcess, provider: Double) -> None:
    replies: list[httpx.Response] = []
    more = grown(gateway, total(gateway), lambda: replies.append(ask(gateway)))
    (reply,) = replies
    counted = reply.json()["usage"]
    price = litellm.model_cost[MINI]
    cost = (
        counted["prompt_tokens"] * price["input_cost_per_token"]
        + counted["completion_tokens"] * price["output_cost_per_token"]
    )
    assert (more["prompt_tokens"], more["completion_tokens"]) == (
        counted["prompt_tokens"],
        counted["completion_tokens"],
    )
    assert (more["failed"], more["estimated"], more["cost_usd"]) == (0, 0, pytest.approx(cost, rel=1e-3))
    for event in ("model_call", "request"):
        told = line(gateway, event, reply)
        assert told["prompt_tokens"] == counted["prompt_tokens"]
        assert told["cost_usd"] == pytest.approx(cost, rel=1e-3)


def test_a_stream_that_was_not_asked_for_its_usage_counts_as_well(lean: GatewayProcess, provider: Double) -> None:
    more = grown(lean, total(lean), lambda: ask(lean, stream=True))
    assert more["prompt_tokens"] > 50 and more["completion_tokens"] > 0
    assert more["estimated"] == 0


def leave(gateway: GatewayProcess) -> None:
    """Read two events of a stream, and go."""
    with httpx.stream("POST", f"{gateway.url}/v1/chat/completions", json=body(stream=True), timeout=20) as reply:
        lines = (text for text in reply.iter_lines() if text)
        for _ in range(4):
            next(lines)


def test_a_caller_who_leaves_pays_for_what_was_said(lean: GatewayProcess, provider: Double) -> None:
    provider.settings(chunk_interval_ms=200)
    more = grown(lean, total(lean), lambda: leave(lean))
    assert (more["requests"], more["failed"], more["estimated"]) == (1, 0, 1)
    assert more["prompt_tokens"] > 50 and more["cost_usd"] > 0


def test_a_stream_that_broke_counts_beside_what_went_on_with_it(lean: GatewayProcess, provider: Double) -> None:
    provider.script("gemini", {"kind": "cut", "after_chunks": 3}, then="ok")
    before = {row["model"]: row for row in usage(lean)["data"]}
    more = grown(lean, total(lean), lambda: ask(lean, model=FLASH, stream=True))
    assert (more["requests"], more["failed"]) == (1, 0)
    after = {row["model"]: row for row in usage(lean)["data"]}
    for model in (FLASH, MINI):
        assert after[model]["prompt_tokens"] > before.get(model, {"prompt_tokens": 0})["prompt_tokens"]
    assert more["estimated"] == 1


def test_what_was_refused_costs_nothing(lean: GatewayProcess, provider: Double) -> None:
    provider.script("any", {"kind": "status", "status": 500}, then="repeat")
    more = grown(lean, total(lean), lambda: ask(lean))
    assert (more["requests"], more["failed"]) == (1, 1)
    assert (more["prompt_tokens"], more["completion_tokens"], more["cost_usd"]) == (0, 0, 0)
    provider.reset()
    more = grown(lean, total(lean), lambda: ask(lean, frequency=1), requests=0)
    assert more["requests"] == 0


def test_an_embedding_counts(lean: GatewayProcess, provider: Double) -> None:
    asked = {"model": "text-embedding-3-small", "input": "one two three"}
    more = grown(lean, total(lean), lambda: httpx.post(f"{lean.url}/v1/embeddings", json=asked))
    assert (more["requests"], more["prompt_tokens"] > 0, more["completion_tokens"]) == (1, True, 0)
    assert more["cost_usd"] > 0


def test_a_key_sees_its_own_and_the_administrator_all(start: Start, provider: Double, tmp_path: Path) -> None:
    from tests.e2e.test_keys import made, until

    gateway = start(env={"GATEWAY_MASTER_KEY": MASTER["Authorization"].removeprefix("Bearer ")})
    keys = {name: {"Authorization": f"Bearer {made(gateway, name)}"} for name in ("crm", "shop")}
    until(200, lambda: httpx.get(f"{gateway.url}/v1/models", headers=keys["shop"]))
    for headers in (keys["crm"], keys["crm"], keys["shop"], MASTER):
        assert ask(gateway, headers).status_code == 200
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    own = usage(gateway, f"?from={today}", keys["crm"])
    assert [(row["key"], row["requests"]) for row in own["data"]] == [("crm", 2)]
    everyone = usage(gateway, headers=MASTER)
    assert {row["key"]: row["requests"] for row in everyone["data"]} == {"crm": 2, "shop": 1, None: 1}
    assert httpx.get(f"{gateway.url}/v1/usage").status_code == 401
    wrong = httpx.get(f"{gateway.url}/v1/usage?from=soon", headers=MASTER)
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "from")


def test_usage_outlives_a_restart_and_a_broken_file_stops_none(start: Start, provider: Double) -> None:
    first = start()
    assert ask(first).status_code == 200
    assert first.terminate() == 0
    logs = first.folder / "logs"
    kept = json.loads((logs / "usage.json").read_text())
    assert len(kept["days"]) == 1
    second = start(env={"GATEWAY_LOG_DIR": str(logs)})
    assert total(second)["requests"] == 1
    second.terminate()
    (logs / "usage.json").write_text("{")
    third = start(env={"GATEWAY_LOG_DIR": str(logs)})
    assert total(third)["requests"] == 0
    assert (logs / "usage.json.broken").read_text() == "{"
    assert "usage_file_broken" in (logs / "ai_router.log").read_text()
