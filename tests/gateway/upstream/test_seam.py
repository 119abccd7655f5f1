"""Where two models' texts meet: one whole text, nothing lost, nothing twice, however both are cut."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.upstream.seam import REACH, Diverged, Seam
from tests.support.fakes import PROPERTY

Flags = dict[str, Any]

PLAIN: Flags = {"prefilled": False, "splits_words": False}
PREFILLED: Flags = {"prefilled": True, "splits_words": False}
SPLITTING: Flags = {"prefilled": False, "splits_words": True}
EVERY = [PLAIN, PREFILLED, SPLITTING]

# No word of it begins like the end of another, so that it can be read in one way only.
ANSWER = (
    "## Ada Brown\n\nCall her Dear Eva, Fridays by Gate 3.14:\n\n- Hat\n    - Ink, Jam\n\n"
    "```\nif Key:\n    Log(Map)\n```\nNext  Open «Pay» 🙂 Qué? Rīga Sun.\nTo Us: **Very** Warm, "
    "\tXi — Yes! Zoë\u0301's end\n"
)
UNSPACED = "这个网关把请求转给另一家供应商。หน้าที่ของมันคือรอ。ゲートウェイ"
PIECES = st.lists(st.integers(1, 9), max_size=20)


def pieces(text: str, sizes: list[int]) -> Iterator[str]:
    """``text`` in pieces of these sizes, the rest by single characters."""
    at = 0
    for size in [*sizes, *[1] * len(text)]:
        if at < len(text):
            yield text[at : at + size]
            at += size


def told(sent: str, continuation: str, sizes: list[int] | None = None, **flags: Any) -> str:
    """What a caller reads."""
    seam = Seam(sent, **flags)
    said = "".join(map(seam.add, pieces(continuation, [len(continuation)] if sizes is None else sizes)))
    return sent + said + seam.end()


def outcome(*args: Any, **flags: Any) -> str:
    try:
        return told(*args, **flags)
    except Diverged:
        return "diverged"


S = "The gateway is a thin layer in front of the gate"
DIVERGED = "diverged"
TABLE = [
    # exact: one blank where words meet, none within numbers, lines kept
    ("w1", "w2 w3", PLAIN, "w1 w2 w3"),
    ("w1 ", " w2", PLAIN, "w1 w2"),
    ("w1", " w2", PLAIN, "w1 w2"),
    ("w1 ", " w2", PREFILLED, "w1 w2"),
    ("w1  ", " w2", PLAIN, "w1  w2"),
    ("x   ", "   = 1", PLAIN, "x      = 1"),
    ("wo", "rd two", SPLITTING, "word two"),
    ("wo", "rd two", PREFILLED, "word two"),
    ("a\n", "\nb", PLAIN, "a\n\nb"),
    ("a\n", "\n\nb", PREFILLED, "a\n\nb"),
    ("a\n\n", "\nb", PREFILLED, "a\n\nb"),
    ("a\n", " b", PREFILLED, "a\nb"),
    ("a ", "\n\nb", PREFILLED, "a \n\nb"),
    ("a\r\n", "\n  b", PREFILLED, "a\r\n  b"),
    ("a\r", "\nb", PLAIN, "a\r\nb"),
    ("if x:\n", "    y", PLAIN, "if x:\n    y"),
    ("if x:\n", "    y", PREFILLED, "if x:\n    y"),
    ("if x:\n", "\n    y", PREFILLED, "if x:\n    y"),
    ("3.", "14", PLAIN, "3.14"),
    ("12", "34", PLAIN, "1234"),
    ("1,", "000", PLAIN, "1,000"),
    ("end.", "Then", PLAIN, "end. Then"),
    ("example.", "com", PLAIN, "example.com"),
    ("yes,", "no", PLAIN, "yes, no"),
    ("(yes)", "no", PLAIN, "(yes) no"),
    ("don", "'t", PLAIN, "don't"),
    ("don'", "t", PLAIN, "don't"),
    ("**", "bold**", PLAIN, "**bold**"),
    ("yes,", "使用", PLAIN, "yes,使用"),
    ("使用", "API", PLAIN, "使用API"),
    ("e", "\u0301te", PLAIN, "e\u0301te"),
    ("שלום", "עולם", PLAIN, "שלום עולם"),
    ("\ud83d", "\ude00", PLAIN, "\ud83d\ude00"),
    ("👩", "\u200d👧", PLAIN, "👩\u200d👧"),
    ("the answer: yes or no? It is ", "the", PLAIN, "the answer: yes or no? It is the"),
    # nothing more
    (S, "", PLAIN, S),
    (S, " \n\t", PLAIN, S),
    ("", "all of it ", PLAIN, "all of it "),
    (" \n", "all", PREFILLED, " \nall"),
    # restart
    (S, S + "way. It is.", PLAIN, S + "way. It is."),
    (S, "\nThe  gateway\nis a thin layer in front of the gate, so", PREFILLED, S + ", so"),
    (S + "\n", S + "\n\nSo", PLAIN, S + "\n\nSo"),
    (S + "\n", S + "way", PLAIN, DIVERGED),
    (S, S, PLAIN, S),
    (S, "The gateway is a thin", PLAIN, S),
    ("1. ", "1. First", PLAIN, "1. First"),
    ("**", "**Bold**", PLAIN, "**Bold**"),
    ("a", "apple", PLAIN, "apple"),
    ("a", " and b", PLAIN, "a and b"),
    ("1", "12", PREFILLED, "112"),
    # restart in other words: four words are the line
    (S, "The gateway is a thin shim", PLAIN, DIVERGED),
    ("a b c d e, a b c d f g", "a b c d f", PLAIN, DIVERGED),  # told at the end only
    (S, "The gateway is a shim", PLAIN, DIVERGED),
    (S, "The gateway is also", PLAIN, S + " The gateway is also"),
    (S, "The gateway is an", PLAIN, S + " The gateway is an"),
    (UNSPACED, UNSPACED[:25] + "是", PLAIN, DIVERGED),  # a full stop is no character of a word
    (UNSPACED, UNSPACED[:24] + "是", PLAIN, UNSPACED + UNSPACED[:24] + "是"),
    ("- a b\n- a c\n", "- a d", PLAIN, "- a b\n- a c\n- a d"),
    ("| | | | | a", "| | | | | b", PLAIN, "| | | | | a| | | | | b"),
    (S + ". The", "The gateway is a thin shim", PLAIN, S + ". The gateway is a thin shim"),
    # repeat
    (S, "gateway earns", PLAIN, S + "way earns"),
    (S, "front of the gate and", PLAIN, S + " and"),
    (S, "... front of the gateway", PLAIN, S + "way"),
    (S, "…the gate", PLAIN, S),
    (S + "…", "… and", PLAIN, S + "…… and"),
    (S + " ", "gateway", PLAIN, S + " gateway"),
    (S + " ", "the gate way", PLAIN, S + " way"),
    ("is a", "a gateway", PLAIN, "is a gateway"),
    ("is a", "and more", PLAIN, "is a and more"),
    ("is ga", "gateway", PLAIN, "is ga gateway"),
    ("it is ga", "is gateway", PLAIN, "it is gateway"),
    ("x (the", "the end", PLAIN, "x (the end"),
    ("I don't", "t-shirt", PLAIN, "I don't t-shirt"),
    ("and I", "I'm here", PLAIN, "and I'm here"),
    ("say ho ho ho", "ho ho ha", PLAIN, "say ho ho ho ha"),
    ("| a |\n| --- | ---", " | --- | --- |", PLAIN, "| a |\n| --- | --- | --- | --- |"),
    ("x 0 0 0", " 0 0 1", PLAIN, "x 0 0 0 0 0 1"),
    ("x 0.5 0.5", " 0.5 1", PLAIN, "x 0.5 0.5 0.5 1"),
    ("x 1 1", "1 12", PLAIN, "x 1 11 12"),
    ("यह क", "का घर", PLAIN, "यह क का घर"),
    ("x ab ab ac ab ab ab ac", "ab ab ac ab ab ab q", PLAIN, "x ab ab ac ab ab ab ac ab ab ab q"),
    ("x 10 20", "10 20 30", PLAIN, "x 10 20 30"),
    ("wait...", "... and", PLAIN, "wait...... and"),
    ("就是这个网关", "个网关可以", PLAIN, "就是这个网关可以"),
    ("就是这个网关", "网关可以", PLAIN, "就是这个网关网关可以"),
    ("就是这个API", "API可以", PLAIN, "就是这个API可以"),
]


@pytest.mark.parametrize(("sent", "continuation", "flags", "whole"), TABLE)
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_one_text_comes_of_two(sent: str, continuation: str, flags: Flags, whole: str, size: int) -> None:
    assert outcome(sent, continuation, [size] * len(continuation), **flags) == whole


# After one "#" alone "# Ada" may be the rest or all of it; from two on it is clear.
CUTS = st.integers(2, len(ANSWER) - 1)


@PROPERTY
@given(CUTS, PIECES)
def test_an_exact_continuation_of_a_prefilled_answer(cut: int, sizes: list[int]) -> None:
    sent = ANSWER[:cut]
    assert told(sent, ANSWER[len(sent.rstrip()) :], sizes, **PREFILLED).rstrip() == ANSWER.rstrip()


@pytest.mark.parametrize("text", [ANSWER, UNSPACED])
def test_an_exact_continuation_may_begin_within_a_word(text: str) -> None:
    for cut in range(2, len(text)):
        before, after = text[cut - 1], text[cut]
        if (before, after) != (" ", " "):  # one blank where words meet
            assert told(text[:cut], text[cut:], [], **SPLITTING).rstrip() == text.rstrip()


@pytest.mark.parametrize("strip_sent", [False, True])
@pytest.mark.parametrize("strip_rest", [False, True])
def test_words_meet_with_one_blank(strip_sent: bool, strip_rest: bool) -> None:
    text = "Ada sees Bob, who has 3 dogs. Every Friday (late) they run 50% faster!"
    words = text.split()
    for cut in range(1, len(words)):
        sent = " ".join(words[:cut]) + (" " * (not strip_sent))
        rest = " " * (not strip_rest) + " ".join(words[cut:])
        if not rest.startswith("("):
            assert told(sent, rest, [], **PLAIN) == text


@PROPERTY
@given(CUTS, st.sampled_from([" ", "\n", "  "]), PIECES, st.sampled_from(EVERY))
def test_a_restart_is_dropped(cut: int, blank: str, sizes: list[int], flags: Flags) -> None:
    sent = ANSWER[:cut]
    core = sent.rstrip()
    anew = core.replace(" ", blank) + ANSWER[len(core) :]
    assert told(sent, anew, sizes, **flags).rstrip() == ANSWER.rstrip()


@PROPERTY
@given(st.integers(40, len(ANSWER) - 1), st.data(), PIECES, st.sampled_from(EVERY))
def test_a_restart_that_ends_early_adds_nothing(cut: int, data: st.DataObject, sizes: list[int], flags: Flags) -> None:
    sent = ANSWER[:cut]
    assert told(sent, sent[: data.draw(st.integers(30, cut))], sizes, **flags) == sent


@PROPERTY
@given(st.integers(60, len(ANSWER) - 1), st.integers(30, 55), PIECES, st.sampled_from(EVERY))
def test_a_restart_in_other_words_is_told(cut: int, same: int, sizes: list[int], flags: Flags) -> None:
    seam = Seam(ANSWER[:cut], **flags)
    sent_on: list[str] = []
    with pytest.raises(Diverged):
        sent_on.extend(map(seam.add, pieces(ANSWER[:same] + "Ω" + ANSWER[same:], sizes)))
    assert not any(sent_on)


WORDS = [found.start() for found in re.finditer(r"(?<!\S)[A-Z]|[A-Z](?=\w*[A-Z]?)", ANSWER)]


@PROPERTY
@given(CUTS, st.sampled_from(["", "...", "… ", " "]), st.data(), PIECES, st.sampled_from(EVERY))
def test_a_repeat_is_dropped(cut: int, before: str, data: st.DataObject, sizes: list[int], flags: Flags) -> None:
    core = ANSWER[:cut].rstrip()
    starts = [at for at in WORDS if at < len(core)]
    assume(starts)
    start = data.draw(st.sampled_from(starts))
    within = core[-1].isalnum() and ANSWER[len(core)].isalnum()
    assume(not within or len(starts) - starts.index(start) > 1 or len(core) - start >= 3)
    assert told(ANSWER[:cut], before + ANSWER[start:], sizes, **flags).rstrip() == ANSWER.rstrip()


@pytest.mark.parametrize("words", [1, 2, 50, REACH // 10])
def test_a_repeat_may_be_long(words: int) -> None:
    said = [f"word{number:05}" for number in range(1000)]
    sent = " ".join(said)
    assert told(sent, " ".join(said[-words:]) + " end", [], **PLAIN) == sent + " end"


def test_a_repeat_is_not_looked_for_any_further_back() -> None:
    sent = " ".join(f"word{number:05}" for number in range(1000))
    again = sent[-REACH - len(" word00000") :]
    assert told(sent, again, [], **PLAIN) == sent + again


ODD = st.text(st.sampled_from("aab 01.\n-|…é网\u0301\u200d\ud83d"), max_size=30)


@PROPERTY
@given(ODD, ODD, ODD, PIECES, st.sampled_from(EVERY))
def test_pieces_make_no_difference_and_nothing_is_lost(
    sent: str, shared: str, more: str, sizes: list[int], flags: Flags
) -> None:
    for before, continuation in [(sent, more), (sent + shared, shared + more), (sent, sent + more)]:
        whole = outcome(before, continuation, **flags)
        assert outcome(before, continuation, sizes, **flags) == whole
        if whole == DIVERGED:
            continue
        assert whole.startswith(before)
        added = whole[len(before) :].strip()
        assert continuation.strip().endswith(added)
        dropped = " ".join(continuation.split())[: len(" ".join(continuation.split())) - len(" ".join(added.split()))]
        assert dropped.strip(" .…") in " ".join(before.split())


def naive_repeat(sent: str, continuation: str) -> int:
    """The length of a repeat by the rule's own words, of ASCII texts with single blanks."""
    for found in re.finditer(r"(?<!\S)\S|(?<![a-z0-9])[a-z0-9]", sent):
        part = sent[found.start() :]
        if not continuation.startswith(part):
            continue
        words = re.findall(r"[a-z0-9]+", part)
        numbers = {number.group() for number in re.finditer(r"\d+(?:\.\d+)*", sent) if number.start() >= found.start()}
        completes = re.match(r"\w\w", part[-1] + continuation[len(part) : len(part) + 1])
        if completes and len(words) == 1 and len(re.findall(r"[a-z]", words[0])) < 3:
            continue
        if len(numbers) > 1 or re.search(r"[a-z]", part):
            return len(part)
    return 0


@PROPERTY
@given(st.text("aab 01.", max_size=12), st.text("aab 01.", max_size=12), st.text("aab 01.", max_size=8))
def test_the_longest_repeat_wins(before: str, shared: str, more: str) -> None:
    sent = "# " + " ".join((before + shared).split())
    continuation = " ".join((shared + more).split())
    assume(continuation and not continuation.startswith("."))
    rest = continuation[naive_repeat(sent, continuation) :]
    assert told(sent, continuation, [], **SPLITTING) == sent + rest


@pytest.mark.parametrize(
    ("continuation", "settles"),
    [
        ("Zebra", "Z"),
        (" and more", " an"),  # "at" was said
        ("gateway is", "gateway i"),
        ("gatepost", "gatep"),
        ("the gate is", "the gate i"),
        ("\n\n- x", "\n\n-"),
        (".com", ".c"),
        ("...and", "...an"),
        ("Look at the gate,", "Look at the gate,"),
        ("the gate", None),
    ],
)
def test_no_more_is_held_than_needed(continuation: str, settles: str | None) -> None:
    seam = Seam("Look at the gateway of the gate", **PLAIN)
    beginnings = (continuation[:size] for size in range(1, len(continuation) + 1))
    assert next((said for said in beginnings if seam.add(said[-1]) or seam.settled), None) == settles


def test_once_settled_every_text_is_passed_through() -> None:
    seam = Seam("the gate", **PLAIN)
    assert not seam.settled
    assert seam.add(" Opens ") == " Opens "
    assert seam.settled
    assert [seam.add("the gate"), seam.add(" "), seam.add(""), seam.end()] == ["the gate", " ", "", ""]


@contextmanager
def counted_lines() -> Iterator[list[int]]:
    lines = [0]
    before = sys.gettrace()

    def trace(frame: Any, event: str, arg: Any) -> Any:
        lines[0] += event == "line"
        return trace

    sys.settrace(trace)
    try:
        yield lines
    finally:
        sys.settrace(before)


@pytest.mark.parametrize(
    ("sent", "said"), [("a ", "a "), ("a", "a"), ("x a a", "a a"), ("0 ", "0 "), ("网", "网"), ("..", "."), ("a", " ")]
)
def test_the_work_is_linear_in_what_comes(sent: str, said: str) -> None:
    counts = []
    for size in (4000, 8000, 16000):
        seam = Seam((sent * size)[:size], **PLAIN)
        text = (said * size)[:size]
        with counted_lines() as lines:
            for char in text:
                seam.add(char)
            seam.end()
        counts.append(lines[0])
    assert all(more < 2.2 * fewer for fewer, more in pairwise(counts))
