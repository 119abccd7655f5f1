"""Plays cases against a gateway process that has a provider double of its own."""

from __future__ import annotations

import json
import time
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from tests.differential import folding
from tests.differential.corpus import MODELS, Case
from tests.double.client import Double
from tests.support.gateway import GatewayProcess

Json = dict[str, Any]
#: By the name of who plays: the settings of `upstream`, and how it is asked.
PLAYERS: dict[str, tuple[Json, tuple[str, ...]]] = {
    "lean": ({"lane": "auto", "plain": "stream"}, ("plain", "stream")),
    "whole": ({"lane": "auto", "plain": "whole"}, ("plain",)),
    "litellm": ({"lane": "litellm"}, ("plain", "stream")),
}
#: One attempt a request, no limits, no memory of what went wrong, and no policies: the lanes alone.
SETTINGS: Json = {
    "limits": {"per_minute": 100000, "burst": 100000},
    "breaker": {"errors": 100000},
    "retries": {"tries": 1, "attempts": 1, "set_aside_seconds": 0.001, "rate_limit_seconds": {"v1": 0, "ivy": 0}},
    "policies": [],
}
#: Of the connection, or of who asks; nothing that a provider acts on.
NOT_COMPARED = frozenset(
    {"host", "content-length", "user-agent", "accept", "accept-encoding", "connection", "transfer-encoding"}
)
#: With these a call is streamed.
STREAMED_BODY = ("stream", "stream_options")
KEPT_HEADERS = ("retry-after", "content-type")


class Player:
    """A gateway and its double, for as long as it is entered."""

    def __init__(self, folder: Path, name: str, cases: list[Case]) -> None:
        self.name = name
        self._upstream, self.plays = PLAYERS[name]
        self._folder = folder / name
        self._cases = cases
        self._stack = ExitStack()

    def __enter__(self) -> Player:
        self._folder.mkdir()
        with ExitStack() as stack:
            self._double = stack.enter_context(Double.start())
            models = {"model_list": self._entries(), "litellm_settings": {"drop_params": True}}
            settings = {**SETTINGS, "upstream": self._upstream}
            self._gateway = stack.enter_context(GatewayProcess(self._folder, models=models, settings=settings))
            self._client = stack.enter_context(httpx.Client(base_url=self._gateway.url, timeout=60))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def _entries(self) -> list[Json]:
        """The models of the cases, each at its double; without a key it is a server of one's own."""
        entries = {case.model: case.entry for case in self._cases}
        entries = {entry["model_name"]: entry for entry in MODELS} | entries
        bases = {"openai": self._double.openai_base, "gemini": self._double.gemini_base}
        return [
            {
                **entry,
                "model_name": name,
                "litellm_params": {
                    **entry["litellm_params"],
                    "api_base": bases[entry["litellm_params"]["model"].partition("/")[0]],
                },
            }
            for name, entry in entries.items()
        ]

    def play_all(self) -> dict[tuple[str, str], Json]:
        """What each case came to, by its name and play: `sent`, what reached the provider, `got`, what the caller got,
        and `complaints` about its form. One is played after the other, so that the time tells whose a call was."""
        plays = [(case, how) for case in self._cases for how in case.plays if how in self.plays]
        found: dict[tuple[str, str], Json] = {}
        spans: list[tuple[float, str, list[Json]]] = []
        for case, how in plays:
            self._double.script("any", case.fault, then="repeat")
            started = time.monotonic()
            got = _got(self._ask(case, how), case, how)
            sent: list[Json] = []
            spans.append((started, how, sent))
            found[case.name, how] = {"complaints": got.pop("complaints"), "sent": sent, "got": got}
        starts = [started for started, _, _ in spans]
        for call in self._double.calls():
            _, how, sent = spans[bisect_right(starts, call["started"]) - 1]
            sent.append(_sent(call, how))
        self._check_lane()
        return found

    def _check_lane(self) -> None:
        """Raises AssertionError where a call took another lane: two that are one would always agree."""
        lines = self._gateway.wait_log("model_call", len(self._double.calls()) // 2)
        lanes = {line["deployment"]: line["lane"] for line in lines}
        wanted = "litellm" if self._upstream["lane"] == "litellm" else "lean"
        assert set(lanes.values()) == {wanted}, lanes

    def _ask(self, case: Case, how: str) -> httpx.Response:
        ask = {**case.ask, "model": case.model} | ({"stream": True} if how == "stream" else {})
        return self._client.post("/v1/chat/completions", json=ask)


def _sent(call: Json, how: str) -> Json:
    """A call as the double logged it; whether a plain call is streamed is the lane's affair."""
    headers = {key: value for key, value in call["headers"].items() if not _of_the_client(key)}
    path, body = call["path"], call["body"]
    query = call["query"]
    if how == "plain":
        path, query = path.replace(":streamGenerateContent", ":generateContent"), {}
        body = {key: value for key, value in body.items() if key not in STREAMED_BODY}
    return {"path": path, "query": query, "headers": headers, "body": body}


def _of_the_client(header: str) -> bool:
    return header in NOT_COMPARED or header.startswith("x-stainless-")


def _got(response: httpx.Response, case: Case, how: str) -> Json:
    headers = {key: response.headers.get(key) for key in KEPT_HEADERS}
    got: Json = {"status": response.status_code, "headers": headers, "complaints": []}
    if "event-stream" not in response.headers.get("content-type", ""):
        got["reply"] = response.json()
        if response.status_code == 200:
            got["complaints"] = folding.complaints_of_whole(got["reply"], model=case.model)
        return got
    data = [line.removeprefix("data: ") for line in response.text.split("\n") if line.startswith("data: ")]
    chunks = [json.loads(one) for one in data if one != "[DONE]"]
    broken = [chunk for chunk in chunks if "error" in chunk]
    if broken:
        return got | {"reply": folding.folded(chunks[: -len(broken)]), "error": broken}
    wanted = bool((case.ask.get("stream_options") or {}).get("include_usage"))
    done = data[-1:] == ["[DONE]"]
    got["complaints"] = folding.complaints_of_stream(chunks, model=case.model, usage=wanted, done=done)
    return got | {"reply": folding.folded(chunks)}


def _played(folder: Path, name: str, cases: list[Case]) -> dict[tuple[str, str], Json]:
    with Player(folder, name, cases) as player:
        return player.play_all()


def play_all(folder: Path, cases: list[Case]) -> dict[str, dict[tuple[str, str], Json]]:
    """What each player came to, all of them at the same time."""
    with ThreadPoolExecutor(len(PLAYERS)) as pool:
        futures = {name: pool.submit(_played, folder, name, cases) for name in PLAYERS}
        found = {name: future.result() for name, future in futures.items()}
    return found | {"recorded": _recorded(cases, found["whole"])}


def _recorded(cases: list[Case], whole: dict[tuple[str, str], Json]) -> dict[tuple[str, str], Json]:
    """What each reply in OpenAI's format should come to: what was recorded, under our name for the model. What all
    lanes lose alike, no comparison of theirs would show."""
    found = {}
    for case in cases:
        body, played = case.reply.get("body"), whole.get((case.name, "plain"))
        if case.wire == "openai" and isinstance(body, dict) and played and played["got"]["status"] == 200:
            got = played["got"] | {"reply": body | {"model": case.model}}
            found[case.name, "plain"] = {"complaints": [], "sent": played["sent"], "got": got}
    return found
