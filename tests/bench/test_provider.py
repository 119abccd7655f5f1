"""The bench's provider speaks both wires as the double does, and its client takes nothing else for an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from bench import replies, rows
from bench.client import Ask, Client, Job, client, provider
from bench.rows import ROWS, Row


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with provider() as port:
        yield port


@pytest.fixture(scope="module")
def load() -> Iterator[Client]:
    with client() as load:
        yield load


def post(port: int, ask: Ask) -> httpx.Response:
    return httpx.post(f"http://127.0.0.1:{port}{ask.path}", json=ask.body, headers=ask.headers)


def said(reply: httpx.Response) -> str:
    """The text of a reply on either wire, whole, as events, or as an array."""
    if reply.headers["content-type"].startswith("text/event-stream"):
        lines = [line[6:] for line in reply.text.splitlines() if line.startswith("data: {")]
        parts = [json.loads(line) for line in lines]
    else:
        parsed = reply.json()
        parts = parsed if isinstance(parsed, list) else [parsed]
    return "".join(_piece(part) for part in parts)


def _piece(part: dict[str, object]) -> str:
    text = ""
    for candidate in part.get("candidates", ()):  # type: ignore[attr-defined]
        text += "".join(piece["text"] for piece in candidate["content"]["parts"])
    for choice in part.get("choices", ()):  # type: ignore[attr-defined]
        text += (choice.get("message") or choice["delta"]).get("content") or ""
    return text


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_row_has_the_same_text_however_it_is_asked_for(port: int, row: Row) -> None:
    [ask] = rows.asks("provider", row, port)
    reply = post(port, ask)
    assert reply.status_code == 200
    assert said(reply) == (replies.PAYLOAD if row.modal else replies.TEXT)
    assert all(part in reply.text for part in ask.holds)
    assert reply.text.count("data: ") >= ask.events


def test_gemini_s_stream_is_an_array_where_events_are_not_asked_for(port: int) -> None:
    [ask] = rows.asks("provider", ROWS[3], port)
    reply = post(port, replace(ask, path=ask.path.partition("?")[0]))
    assert len(reply.json()) == replies.CHUNKS
    assert said(reply) == replies.TEXT


def test_the_text_has_twenty_tokens() -> None:
    assert replies.CHUNKS == 20
    for text in (replies.TEXT, replies.PAYLOAD):
        assert len(replies.pieces(text)) == 20
        assert "".join(replies.pieces(text)) == text


@pytest.mark.parametrize("row", ROWS[:2], ids=lambda row: row.id)
def test_a_flaky_model_always_fails(port: int, row: Row) -> None:
    [ask] = rows.asks("provider", row, port)
    body = {**ask.body, "model": "flaky-1"}
    reply = post(port, replace(ask, body=body, path=ask.path.replace("gemini-2.0-flash", "flaky-1")))
    assert reply.status_code == 503


def test_the_client_counts_what_is_whole_and_times_it(port: int, load: Client) -> None:
    asks = [ask for row in ROWS for ask in rows.asks("provider", row, port)]
    result = load.play(Job(port, asks, callers=4, count=60))
    assert (result.done, result.failed, result.error) == (60, 0, "")
    assert len(result.latency) == len(result.first) == 60
    assert all(0 < first <= whole for first, whole in zip(result.first, result.latency, strict=True))


@pytest.mark.parametrize(
    ("change", "status"),
    [({"holds": ("not said",)}, "200: "), ({"events": 1000}, "200: "), ({"body": {"model": "flaky-1"}}, "503: ")],
)
def test_what_is_not_the_answer_is_a_failure_with_its_text(
    port: int, load: Client, change: dict[str, object], status: str
) -> None:
    [ask] = rows.asks("provider", ROWS[0], port)
    result = load.play(Job(port, [replace(ask, **change)], callers=2, count=4))  # type: ignore[arg-type]
    assert (result.done, result.failed) == (0, 4)
    assert result.error.startswith(status)


def test_where_nothing_listens_the_client_says_so(load: Client) -> None:
    result = load.play(Job(1, rows.asks("provider", ROWS[0], 1), callers=2, count=4))
    assert result.done == 0
    assert "no connection" in result.error
