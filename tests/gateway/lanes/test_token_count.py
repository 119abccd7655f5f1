from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from gateway.lanes import token_count
from tests.support.gateway import ROOT


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No vocabulary may be fetched."""

    def refuse(*args: object, **more: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    token_count._encoding.cache_clear()


def test_no_vocabulary_is_read_before_it_is_asked_for() -> None:
    code = "import gateway.build, sys; print('litellm.litellm_core_utils.default_encoding' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("text", "tokens"),
    # As OpenAI's own tokenizer page shows them for GPT-4o.
    [("", 0), ("hello world", 2), ("Hello, how are you?", 6), ("안녕하세요", 2), ("<|endoftext|>", 7)],
)
def test_texts_are_counted_as_openai_does(text: str, tokens: int) -> None:
    assert token_count.count([text]) == tokens


def test_all_texts_count() -> None:
    assert token_count.count(["hello world"] * 3) == 6
    assert token_count.count([]) == 0


def test_a_long_text_differs_by_its_cuts_only() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 500
    whole = len(token_count._encoding().encode_ordinary(text))
    assert whole <= token_count.count([text]) <= whole + len(text) // token_count.SLICE + 1


def test_what_is_no_text_of_unicode_counts_too() -> None:
    assert token_count.count(["\ud800"]) > 0
