"""Virtual keys, as an operator makes them and a caller meets them."""

from __future__ import annotations

import asyncio
import datetime
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import yaml

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import ROOT, GatewayProcess, poll

MODEL, OTHER = "gemini-2.0-flash", "gpt-4o-mini"
CHAT = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}
MASTER = "master-key-of-the-test"


def command(gateway: GatewayProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``python -m gateway key ...`` with the gateway's own configuration."""
    line = [sys.executable, "-m", "gateway", "key", *arguments]
    return subprocess.run(line, env=gateway.env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def made(gateway: GatewayProcess, name: str, *arguments: str) -> str:
    found = command(gateway, "add", name, *arguments)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def ask(gateway: GatewayProcess, key: str | None, path: str = "/v1/chat/completions", **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = {**CHAT, **more.pop("body", {})}
    return httpx.post(gateway.url + path, json=body, headers={**headers, **more.pop("headers", {})}, timeout=10)


def until(status: int, call: Callable[[], httpx.Response], seconds: float = 2.0) -> httpx.Response:
    """The reply, once it has this status; it must within the seconds that are promised."""
    for _ in poll(seconds, 0.05):
        reply = call()
        if reply.status_code == status:
            return reply
    raise AssertionError(f"still {reply.status_code} after {seconds} s")


@pytest.fixture(scope="module")
def keyed(start_shared: Start) -> GatewayProcess:
    """A gateway with an administrator's key."""
    return start_shared(env={"GATEWAY_MASTER_KEY": MASTER})


def test_a_key_is_made_used_and_revoked_while_the_gateway_runs(keyed: GatewayProcess, provider: Double) -> None:
    key = made(keyed, "crm")
    assert (len(key), key.startswith("sk-ivy-")) == (7 + 43, True)
    assert until(200, lambda: ask(keyed, key)).headers["x-ivy-model"] == MODEL
    assert command(keyed, "revoke", "crm").returncode == 0
    until(401, lambda: ask(keyed, key))
    assert ask(keyed, MASTER).status_code == 200
    changes = [(line.get("added"), line.get("revoked")) for line in keyed.log("keys_changed")]
    assert (["crm"], []) in changes and ([], ["crm"]) in changes


def test_a_key_s_hash_and_nothing_else_of_it_is_on_disk(keyed: GatewayProcess, provider: Double) -> None:
    key = made(keyed, "disk")
    until(200, lambda: ask(keyed, key))
    ask(keyed, key + "x")
    ask(keyed, key, body={"model": key})
    file = keyed.config / "keys.yaml"
    assert file.stat().st_mode & 0o777 == 0o600
    (entry,) = [one for one in yaml.safe_load(file.read_text())["keys"] if one["name"] == "disk"]
    digits = entry["hash"].removeprefix("sha256:")
    for path in keyed.folder.rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            assert key[7:].encode() not in text, path
            assert digits.encode() not in text or path == file, path
    assert "disk" in command(keyed, "list").stdout
    assert digits not in command(keyed, "list").stdout


def answer(reply: httpx.Response) -> tuple[Any, ...]:
    """All of a refusal but its words and what is of one request."""
    error = {**reply.json()["error"], "message": None}
    own = ("x-request-id", "content-length", "date")
    return reply.status_code, error, sorted((k, v) for k, v in reply.headers.items() if k not in own)


@pytest.fixture(scope="module")
def expired(keyed: GatewayProcess) -> str:
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    key = made(keyed, "expired", "--expires", yesterday.isoformat(timespec="seconds"))
    for _ in poll(2, 0.05):
        if "expired" in ask(keyed, key).text:
            break
    return key


PATHS = ["/v1/chat/completions", "/ai/router/v2", "/v1/messages", "/v1beta/models/x:generateContent"]


@pytest.mark.parametrize("path", PATHS)
def test_a_wrong_key_and_none_are_told_apart_in_nothing_but_the_message(
    keyed: GatewayProcess, expired: str, path: str
) -> None:
    replies = [ask(keyed, None, path), ask(keyed, "sk-ivy-" + "a" * 43, path), ask(keyed, expired, path)]
    messages = [reply.json()["error"]["message"] for reply in replies]
    assert messages[0].startswith("No API key was sent.")
    assert messages[1:] == ["The API key is not valid here.", "The API key has expired."]
    assert answer(replies[0]) == answer(replies[1]) == answer(replies[2])
    assert (replies[0].status_code, replies[0].json()["error"]["code"]) == (401, "invalid_api_key")


@pytest.fixture(scope="module")
def bound(keyed: GatewayProcess) -> dict[str, str]:
    keys = {
        "user": made(keyed, "bound-user", "--user", "ann", "--org", "acme"),
        "org": made(keyed, "bound-org", "--org", "acme"),
        "mini": made(keyed, "mini-only", "--models", OTHER),
        "default": made(keyed, "default-only", "--models", "default"),
        "few": made(keyed, "few", "--requests", "3"),
    }
    until(200, lambda: httpx.get(f"{keyed.url}/v1/models", headers={"Authorization": f"Bearer {keys['few']}"}))
    return keys


def log_of(gateway: GatewayProcess, reply: httpx.Response) -> dict[str, Any]:
    wanted = reply.headers["x-request-id"]
    for _ in poll(5):
        found = [line for line in gateway.log("request") if line["request_id"] == wanted]
        if found:
            return found[0]
    raise AssertionError("the log has no such request")


@pytest.mark.parametrize(
    ("key", "sent", "who"),
    [
        ("user", {"X-User-ID": "eve", "X-Org-ID": "other"}, ("ann", "acme")),
        ("org", {"X-User-ID": "eve", "X-Org-ID": "other"}, ("eve", "acme")),
        ("mini", {"X-User-ID": "eve", "X-Org-ID": "other"}, ("eve", "other")),
    ],
)
def test_whom_a_key_is_bound_to_wins_over_the_headers(
    keyed: GatewayProcess, bound: dict[str, str], provider: Double, key: str, sent: dict[str, str], who: tuple[str, str]
) -> None:
    line = log_of(keyed, ask(keyed, bound[key], headers=sent, body={"model": OTHER}))
    assert (line["user"], line["org"]) == who
    assert line["key"].startswith(("bound-", "mini-"))


def test_a_key_for_some_models_is_refused_the_others_and_sees_its_own(
    keyed: GatewayProcess, bound: dict[str, str], provider: Double
) -> None:
    refused = ask(keyed, bound["mini"], body={"model": MODEL})
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["param"]) == (403, "model_not_allowed", "model")
    assert OTHER in error["message"]
    assert ask(keyed, bound["mini"]).status_code == 403  # the default is another one
    assert ask(keyed, bound["mini"], body={"model": OTHER}).status_code == 200
    assert [call["provider"] for call in provider.calls()] == ["openai"]
    client = openai.OpenAI(base_url=f"{keyed.url}/v1", api_key=bound["mini"])
    assert [model.id for model in client.models.list()] == [OTHER]
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve(MODEL)
    with pytest.raises(openai.PermissionDeniedError):
        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hello"}])


def test_default_means_the_model_that_it_stands_for(
    keyed: GatewayProcess, bound: dict[str, str], provider: Double
) -> None:
    for model in ("default", MODEL):
        assert ask(keyed, bound["default"], body={"model": model}).headers["x-ivy-model"] == MODEL
    assert ask(keyed, bound["default"], body={"model": OTHER}).status_code == 403


def test_a_fallback_never_leads_to_a_model_that_the_key_may_not_use(
    keyed: GatewayProcess, bound: dict[str, str], provider: Double
) -> None:
    provider.script("gemini", {"kind": "status", "status": 500}, then="repeat")
    assert ask(keyed, bound["default"]).status_code == 503
    assert {call["provider"] for call in provider.calls()} == {"gemini"}
    assert ask(keyed, MASTER).headers["x-ivy-model"] == OTHER


def test_a_key_s_requests_a_minute(keyed: GatewayProcess, bound: dict[str, str], provider: Double) -> None:
    replies = [ask(keyed, bound["few"]) for _ in range(4)]
    refused = [reply for reply in replies if reply.status_code == 429]
    assert refused and all(reply.status_code in (200, 429) for reply in replies)
    error = refused[-1].json()["error"]
    assert (error["code"], error["message"].startswith("This key may send 3 requests in 60 seconds.")) == (
        "rate_limit_exceeded",
        True,
    )
    assert refused[-1].headers["x-ratelimit-limit-requests"] == "3"
    assert int(refused[-1].headers["retry-after"]) >= 1


def test_the_administrator_s_routes_are_not_a_key_s(keyed: GatewayProcess, bound: dict[str, str]) -> None:
    for key, status in ((bound["user"], 403), (MASTER, 200)):
        headers = {"Authorization": f"Bearer {key}"}
        assert httpx.get(f"{keyed.url}/ai/memory?user=bob", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("path", "header"), [("/v1/messages", "x-api-key"), ("/v1beta/models/x:generateContent", "x-goog-api-key")]
)
def test_other_clients_headers_count_on_their_own_paths_only(keyed: GatewayProcess, path: str, header: str) -> None:
    assert httpx.post(keyed.url + path, json={}, headers={header: MASTER}).status_code != 401
    for wrong in ("/v1/chat/completions", "/ai/router/v2"):
        assert httpx.post(keyed.url + wrong, json={}, headers={header: MASTER}).status_code == 401


def test_a_key_in_the_address_is_not_taken(keyed: GatewayProcess) -> None:
    reply = httpx.post(f"{keyed.url}/v1beta/models/x:generateContent?key={MASTER}", json={})
    assert (reply.status_code, "A key in the address is not taken" in reply.json()["error"]["message"]) == (401, True)


# Without an administrator's key.


def config(start: Start, folder: Path, **env: str) -> GatewayProcess:
    return start(env={"GATEWAY_KEYS": str(folder / "mine" / "keys.yaml"), **env})


def test_the_first_key_closes_the_gateway_and_the_last_one_does_not_open_it(
    start: Start, provider: Double, tmp_path: Path
) -> None:
    gateway = config(start, tmp_path)
    assert ask(gateway, None).status_code == 200
    key = made(gateway, "only")
    until(401, lambda: ask(gateway, None))
    assert ask(gateway, key).status_code == 200
    headers = {"Authorization": f"Bearer {key}"}
    assert httpx.get(f"{gateway.url}/ai/memory?user=bob", headers=headers).status_code == 403
    (tmp_path / "mine" / "keys.yaml").unlink()
    until(401, lambda: ask(gateway, key))
    assert ask(gateway, None).status_code == 401


def test_with_a_key_others_may_be_listened_to(start: Start, provider: Double, tmp_path: Path) -> None:
    first = config(start, tmp_path)
    key = made(first, "only")
    other = start(env={"GATEWAY_KEYS": str(tmp_path / "mine" / "keys.yaml"), "GATEWAY_HOST": "0.0.0.0"})
    assert (ask(other, None).status_code, ask(other, key).status_code) == (401, 200)


def test_a_file_that_is_wrong_keeps_the_keys_but_those_that_were_taken_out(
    start: Start, provider: Double, tmp_path: Path
) -> None:
    gateway = config(start, tmp_path)
    kept, gone = made(gateway, "kept"), made(gateway, "gone")
    until(200, lambda: ask(gateway, gone))
    file = tmp_path / "mine" / "keys.yaml"
    entries = file.read_text()
    at = entries.index("  - name: gone")
    file.write_text(entries[:at] + "  - nmae: [slip\n")
    until(401, lambda: ask(gateway, gone))
    assert ask(gateway, kept).status_code == 200
    (line,) = gateway.wait_log("keys_file_wrong")
    assert (line["level"], "keys.yaml:" in line["detail"]) == ("ERROR", True)
    file.write_text(entries)
    until(200, lambda: ask(gateway, gone))


# Tokens a minute.


def spent(reply: httpx.Response) -> int:
    return int(reply.json()["usage"]["total_tokens"])


def test_a_thousand_at_once_do_not_overshoot_a_key_s_tokens(start: Start, provider: Double, tmp_path: Path) -> None:
    limit = 100_000
    gateway = config(start, tmp_path)
    key = made(gateway, "tokens", "--tokens", str(limit), "--requests", "1000000")
    until(200, lambda: ask(gateway, key, body={"max_tokens": 5}))
    provider.reset()
    words = "word " * 250
    body = {**CHAT, "messages": [{"role": "user", "content": words}], "max_tokens": 100}

    async def all_of_them() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(limits=limits, timeout=60, headers=headers) as client:
            url = f"{gateway.url}/v1/chat/completions"
            return await asyncio.gather(*(client.post(url, json=body) for _ in range(1000)))

    before = time.monotonic()
    replies = asyncio.run(all_of_them())
    served = [reply for reply in replies if reply.status_code == 200]
    refused = [reply for reply in replies if reply.status_code == 429]
    assert len(served) + len(refused) == 1000
    assert time.monotonic() - before < 59, "the minute was over: nothing is shown"
    one = spent(served[0])
    assert limit / 5 < sum(map(spent, served)) <= limit + one
    assert len(provider.calls()) == len(served)
    error = refused[0].json()["error"]
    assert (error["code"], error["type"]) == ("rate_limit_exceeded", "rate_limit_error")
    assert refused[0].headers["x-ratelimit-limit-tokens"] == str(limit)
    assert all(1 <= int(reply.headers["retry-after"]) <= 61 for reply in refused)
    last = ask(gateway, key, body={"max_tokens": 5})
    if last.status_code == 200:
        assert int(last.headers["x-ratelimit-remaining-tokens"]) < limit


def test_what_a_request_did_not_use_is_given_back_however_it_ends(
    start: Start, provider: Double, tmp_path: Path
) -> None:
    gateway = config(start, tmp_path)
    key = made(gateway, "tokens", "--tokens", "3000")
    body = {"max_tokens": 2000}
    until(200, lambda: ask(gateway, key, body=body))
    provider.script("any", {"kind": "status", "status": 400})
    assert ask(gateway, key, body=body).status_code == 400
    provider.script("gemini", "silence")
    provider.script("openai", "silence")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{gateway.url}/v1/chat/completions",
            json={**CHAT, **body},
            headers={"Authorization": f"Bearer {key}"},
            timeout=0.5,
        )
    provider.reset()
    reply = until(200, lambda: ask(gateway, key, body=body))
    assert int(reply.headers["x-ratelimit-remaining-tokens"]) < 1000  # its own reservation
    assert ask(gateway, key, body={"max_tokens": 2500}).status_code == 200
