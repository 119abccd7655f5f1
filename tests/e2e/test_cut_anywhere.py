"""A stream that is cut at any place becomes one whole answer, once, however the next model goes on with it."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Start
from tests.double.client import Double
from tests.support.fakes import PROPERTY
from tests.support.gateway import GatewayProcess
from tests.support.sse import events

TEXT = (
    "Gr\xfc\xdfe, Zo\xeb! The caf\xe9\u2019s na\xefve \u6771\u4eac team \U0001f642 says: \xabtrust "
    "the gateway\xbb \u2013 and the provider\u2019s outage, the one at 3.14 o\u2019clock, is \u201ca "
    "line in a log\u201d; the number on the page is 42, \u043d\u0435 "
    "\u0431\u043e\u043b\u044c\u0448\u0435.\n\n- first point\n- second \U0001f469\u200d\U0001f4bb one."
)
CHAT = {"messages": [{"role": "user", "content": f"[[say:{TEXT}]]"}], "stream": True}
MODEL = {"gemini": "gemini-2.0-flash", "openai": "gpt-4o-mini"}
SOME = settings(PROPERTY, max_examples=50)
WIRES = pytest.mark.parametrize("wire", ["gemini", "openai"])
MANNERS = pytest.mark.parametrize("manner", ["continue", "restart", "repeat:2", "repeat:5"])


@pytest.fixture(scope="module")
def both(start_shared: Start) -> dict[str, GatewayProcess]:
    """A gateway with each of the two as the primary; the other one is its fallback."""
    return {wire: start_shared(env={"AI_MODEL_PROVIDER": wire}) for wire in MODEL}


CLIENT = httpx.Client(timeout=30)


def ask(gateway: GatewayProcess) -> httpx.Response:
    return CLIENT.post(f"{gateway.url}/v1/chat/completions", json={"model": "default", **CHAT})


def read(response: httpx.Response) -> str:
    found = events(response.text)
    assert response.status_code == 200, response.text
    assert found[-1].data == "[DONE]", response.text[-500:]
    chunks = [event.json for event in found[:-1]]
    assert len({chunk["id"] for chunk in chunks}) == 1
    finishes = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"] if choice["finish_reason"]]
    assert finishes == ["stop"]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


def size(provider: Double, gateway: GatewayProcess, wire: str) -> tuple[int, int]:
    """How many events, and about how many bytes, the healthy stream has."""
    provider.reset()
    assert read(ask(gateway)) == TEXT
    (call,) = provider.calls(wire)
    return call["chunks_sent"], call["chunks_sent"] * (len(json.dumps(TEXT)) // 40 + 300)


@WIRES
@MANNERS
def test_after_every_event(both: dict[str, GatewayProcess], provider: Double, wire: str, manner: str) -> None:
    gateway = both[wire]
    count, _ = size(provider, gateway, wire)
    for place in range(count + 1):
        provider.reset()
        provider.settings(continuation=manner)
        provider.script(wire, {"kind": "cut", "after_chunks": place, "how": ("rst", "fin")[place % 2]})
        assert read(ask(gateway)) == TEXT, place


@WIRES
@MANNERS
def test_within_lines_and_characters(both: dict[str, GatewayProcess], provider: Double, wire: str, manner: str) -> None:
    gateway = both[wire]
    _, most = size(provider, gateway, wire)

    @SOME
    @given(st.integers(0, most), st.sampled_from(["rst", "fin"]))
    def whole(place: int, how: str) -> None:
        provider.reset()
        provider.settings(continuation=manner)
        provider.script(wire, {"kind": "cut_bytes", "after_bytes": place, "how": how})
        assert read(ask(gateway)) == TEXT

    whole()


@WIRES
@pytest.mark.parametrize("manner", ["continue", "restart", "repeat:3"])
def test_between_the_letters_of_words(
    both: dict[str, GatewayProcess], provider: Double, wire: str, manner: str
) -> None:
    """A tokenizer that divides words: pieces of three characters, of which some must have come to tell."""
    gateway = both[wire]

    @SOME
    @given(st.integers(6, len(TEXT) // 3 + 2))
    def whole(place: int) -> None:
        provider.reset()
        provider.settings(continuation=manner, piece_chars=3)
        provider.script(wire, {"kind": "cut", "after_chunks": place})
        assert read(ask(gateway)) == TEXT

    whole()


@WIRES
def test_twice_in_one_answer(both: dict[str, GatewayProcess], provider: Double, wire: str) -> None:
    other = "openai" if wire == "gemini" else "gemini"
    for first in range(2, 20, 3):
        provider.reset()
        provider.script(wire, {"kind": "cut", "after_chunks": first})
        provider.script(other, {"kind": "cut", "after_chunks": 4})
        response = ask(both[wire])
        assert read(response) == TEXT
        assert [call["provider"] for call in provider.calls()] == [wire, other, wire]
