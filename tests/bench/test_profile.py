"""What is made of a profiler's samples."""

from __future__ import annotations

import sys

from bench import profile
from tests.support.gateway import ROOT

LIB = f"/opt/lib/python3.{sys.version_info.minor}"
LOOP = f"main ({ROOT}/gateway/__main__.py:41);Runner.run ({LIB}/asyncio/runners.py:118)"
SAMPLES = [
    f"{LOOP};ask ({ROOT}/gateway/http/body.py:10);read ({LIB}/site-packages/aiohttp/streams.py:3) 6",
    f"{LOOP};ask ({ROOT}/gateway/http/body.py:99) 3",
    f"{LOOP} 1",
    f"{LOOP};_find_and_load (<frozen importlib._bootstrap>:1) 50",
    f"main ({ROOT}/gateway/__main__.py:2);load ({ROOT}/gateway/settings/load.py:7) 70",
]


def test_start_and_imports_are_left_out_and_lines_of_a_function_are_one() -> None:
    groups, own, whole, total = profile.shares(list(profile.stacks(SAMPLES)))
    assert total == 10
    assert groups == {"aiohttp": 6, "gateway/http": 3, "the event loop itself": 1}
    assert own["ask (gateway/http/body.py)"] == 3
    assert whole["ask (gateway/http/body.py)"] == 9


def test_the_report_is_in_percent_and_sorted() -> None:
    lines = profile.report(list(profile.stacks(SAMPLES))).splitlines()
    assert lines[0] == "10 samples"
    assert lines[3].split() == ["60.0%", "aiohttp"]


def test_no_samples_are_said_to_be_none() -> None:
    assert profile.report([]).startswith("0 samples")
