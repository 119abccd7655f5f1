"""What a run's results are shown as: text, Markdown, JSON, a picture, and which promises are broken."""

from __future__ import annotations

import json
import math
from xml.etree import ElementTree

import pytest

from bench import picture, promises, report, table
from bench.figures import Cell
from bench.measure import Line, Memory, Slow
from bench.table import Found


def cell(rate: float, added: float, failed: int = 0) -> Cell:
    return Cell(
        rate, added + 0.1, added + 1, added, added + 0.9, added / 2, added / 3, failed, "lost" if failed else ""
    )


def line(callers: int, gain: float, *, section: str = "chat", failed: int = 0, others: bool = True) -> Line:
    cells = {"provider": cell(9000, 0), "gateway": cell(1000, 1, failed)}
    gains = {}
    if others:
        cells |= {"litellm": cell(1000 / gain, 12.0), "portkey": cell(500, 2)}
        gains = {"litellm": gain, "portkey": 2.0}
    return Line("chat-openai", section, "plain chat, <OpenAI's> wire", callers, cells, gains)


def found(gain: float = 12.0, **more: object) -> Found:
    made = Found(machine={"python": "3.11"}, method=["As it was measured."])
    made.lines = [line(1, gain), line(32, gain, **more)]  # type: ignore[arg-type]
    made.slow = {"gateway": Slow(500, 500, 0, "", 10000, 5, 40, 100, 200)}
    made.memory = {"gateway": Memory(10000, 150, 190, 1.5, 0, "")}
    made.ready = {"gateway": 3.0, "litellm": 9.0}
    made.promises = [
        *promises.of_lines(made.lines),
        *promises.of_slow(made.slow["gateway"]),
        *promises.of_memory(made.memory["gateway"]),
        *promises.of_starts(made.ready),
    ]
    return made


def test_what_holds_is_no_broken_promise() -> None:
    assert report.broken(found()) == []
    assert "NOT KEPT" not in report.text(found())


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (found(gain=9.9), "times LiteLLM's proxy: 9.90"),
        (found(failed=2), "failed: 2"),
        (found(section="streams", gain=7.0), "times LiteLLM's proxy: 7.00"),
    ],
)
def test_what_does_not_hold_is_named(made: Found, word: str) -> None:
    assert any(word in one for one in report.broken(made))
    assert word in report.text(made)
    assert "NOT KEPT" in report.text(made)


def test_what_could_not_be_measured_keeps_no_promise() -> None:
    late = Slow(500, 0, 500, "lost", 0, math.nan, math.nan, math.nan, math.nan)
    assert [one.kept for one in promises.of_slow(late)] == [False, False, False]
    growth = Memory(10000, 150, 190, math.nan, 0, "")
    assert [one.kept for one in promises.of_memory(growth)] == [True, False, True]


def test_nothing_is_promised_beside_who_is_not_there() -> None:
    alone = [line(32, 1.0, others=False)]
    assert [one.text for one in promises.of_lines(alone)] == ["plain chat, <OpenAI's> wire, 32: failed"]
    assert list(promises.of_starts({"gateway": 3.0})) == []


def test_the_tables_hold_every_row_and_target() -> None:
    made = found()
    made.missing = {"portkey": "there is no Node here"}
    for shown in (report.text(made), report.markdown(made)):
        for word in (
            "plain chat, <OpenAI's> wire",
            "LiteLLM's proxy",
            "12.0x",
            "1,000",
            "there is no Node here",
            "+1.5",
        ):
            assert word in shown
    rows = [one for one in report.markdown(made).splitlines() if one.startswith("|")]
    assert all(one.count("|") >= 4 for one in rows)


def test_a_row_that_failed_says_so_where_it_stands() -> None:
    assert "1,000 (2 failed)" in report.text(found(failed=2))
    assert "this gateway: lost" in report.text(found(failed=2))


def test_a_missed_promise_stands_in_the_markdown() -> None:
    assert "Not reached: plain chat" in report.markdown(found(gain=9.9))
    assert "Not reached" not in report.markdown(found())


def test_the_json_holds_all_of_it_and_null_for_what_is_missing() -> None:
    made = found()
    made.memory["litellm"] = Memory(1000, 300, 400, math.nan, 0, "")
    written = json.loads(report.as_json(made))
    assert written["lines"][1]["gains"]["litellm"] == 12.0
    assert written["memory"]["litellm"]["growth_mb"] is None
    assert all(one["kept"] for one in written["promises"])


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (0.01234, "0.0123"), (1.5, "1.50"), (12.34, "12.3"), (999.6, "1,000"), (12345, "12,345"), (-2, "-2.00")],
)
def test_numbers_have_three_digits_that_say_something(value: float, shown: str) -> None:
    assert table.number(value) == shown
    assert table.number(math.nan) == "-"


def test_the_picture_is_an_svg_with_a_bar_for_each_target() -> None:
    drawn = picture.svg(found().lines)
    root = ElementTree.fromstring(drawn)
    texts = [one.text or "" for one in root.iter() if one.tag.endswith("text")]
    bars = [one for one in root.iter() if one.tag.endswith("rect")]
    assert "plain chat, <OpenAI's> wire" in texts
    assert any("12.0x" in text for text in texts)
    assert len(bars) == 3 + 3  # the legend's, and those of the row with 32 callers
    assert "prefers-color-scheme: dark" in drawn
    assert len(drawn.encode()) < 20_000


def test_bars_are_as_long_as_their_rates_and_stay_inside() -> None:
    root = ElementTree.fromstring(picture.svg([line(32, 10.0)]))
    widths = [float(one.get("width", 0)) for one in root.iter() if one.tag.endswith("rect")][3:]
    assert widths[0] / widths[1] == pytest.approx(10, rel=0.01)
    assert picture.LEFT + max(widths) < picture.WIDTH


def test_a_picture_of_nothing_is_still_one() -> None:
    ElementTree.fromstring(picture.svg([]))
    ElementTree.fromstring(picture.svg([line(32, math.nan)]))
