"""Every fault of the catalogue, on both wires, through every surface: the fast profile of ``make failover``.

The cells that were collected are played once, side by side, before the first of these tests; each test then looks at
one verdict. ``python -m bench.failover --only S08-gemini-v1-stream`` plays one of them by itself and shows all of it.
"""

from __future__ import annotations

from collections import Counter

import httpx
import pytest

from bench.failover import scorecard
from bench.failover.caller import Seen, call
from bench.failover.catalogue import ALL, WIRES, Check, Fault, Ideal, Surface, catalogue
from bench.failover.judge import KINDS, View, judge
from bench.failover.provider import Names, Saw
from bench.failover.run import Cell, Result, cells, run
from bench.failover.timing import FAST, FULL
from tests.double.client import Double
from tests.double.manner import CANON

NAMES = Names("first", "second")
CELLS = cells(FAST)


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest) -> dict[str, Result]:
    """What came of the cells whose tests were collected."""
    collected = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = [spec.params["cell"] for spec in collected if spec is not None and "cell" in spec.params]
    return run(wanted, FAST)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.id)
def test_the_caller_and_the_provider_are_spared(cell: Cell, results: dict[str, Result]) -> None:
    result = results[cell.id]
    seen = f"caller: {scorecard.caller(result)}; provider: {scorecard.provider(result)}"
    assert result.judgement.verdict == "pass", f"{cell.fault.title}: {result.judgement.reason} ({seen})"


@pytest.mark.parametrize("timing", [FAST, FULL], ids=lambda timing: timing.name)
def test_the_catalogue_is_whole(timing: object) -> None:
    faults = catalogue(FAST if timing is FAST else FULL)
    assert max(Counter(fault.id for fault in faults).values()) == 1
    assert {f"S{number:02}" for number in range(1, 17)} <= {fault.id for fault in faults}
    assert {check.kind for fault in faults for check in fault.checks} <= KINDS.keys()
    assert {(cell.wire, cell.surface) for cell in CELLS} == {(wire, surface) for wire in WIRES for surface in ALL}


def judged(
    seen: Seen, *checks: Check, ideal: Ideal = "answer", surface: Surface = "v1 stream", alive: bool = True
) -> str:
    fault = Fault(id="X", title="x", primary=({"kind": "reset"},), ideal=ideal, checks=checks)
    return judge(View(fault, surface, NAMES, seen, Saw(), alive)).verdict


WHOLE, SHORT = Seen("answer", (CANON,), 200), Seen("answer", (CANON[:-20],), 200)
TWICE = Seen("answer", (CANON + CANON,), 200)
ERROR, HANG = Seen("error", status=503, error="503"), Seen("hang")
AMISS = Check("status_is", 418)
NOTED = Check("status_is", 418, advisory=True)


@pytest.mark.parametrize(
    ("seen", "checks", "ideal", "verdict"),
    [
        (WHOLE, (), "answer", "pass"),
        (WHOLE, (NOTED,), "answer", "partial"),
        (WHOLE, (AMISS,), "answer", "fail"),
        (SHORT, (), "answer", "fail"),
        (TWICE, (), "answer", "fail"),
        (SHORT, (), "error", "fail"),
        (SHORT, (), "bounded", "fail"),
        (ERROR, (), "answer", "safe"),
        (ERROR, (NOTED,), "answer", "safe"),
        (ERROR, (AMISS,), "answer", "fail"),
        (HANG, (), "answer", "fail"),
        (HANG, (), "bounded", "fail"),
        (ERROR, (), "error", "pass"),
        (WHOLE, (), "error", "partial"),
        (ERROR, (), "refusal", "pass"),
        (ERROR, (), "bounded", "pass"),
        (Seen("refusal", status=200), (), "refusal", "pass"),
        (Seen("refusal", status=200), (), "answer", "safe"),
        (Seen("degraded", ("Sorry.",), 200), (), "degraded", "pass"),
        (Seen("degraded", ("Sorry.",), 200), (), "answer", "safe"),
        (ERROR, (), "degraded", "safe"),
    ],
)
def test_verdicts(seen: Seen, checks: tuple[Check, ...], ideal: Ideal, verdict: str) -> None:
    assert judged(seen, *checks, ideal=ideal) == verdict


def test_a_gateway_that_is_dead_afterwards_fails() -> None:
    assert judged(WHOLE, alive=False) == "fail"


def test_a_check_of_another_surface_is_not_asked() -> None:
    elsewhere = Check("status_is", 418, surfaces=("v2 plain",))
    assert judged(WHOLE, elsewhere) == "pass"
    assert judged(WHOLE, elsewhere, surface="v2 plain") == "fail"


BODY = {"model": "m", "messages": [{"role": "user", "content": "[[canon]]"}]}


@pytest.mark.parametrize("surface", ["v1 plain", "v1 stream"])
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (None, "answer"),
        ({"kind": "cut", "after_chunks": 40, "how": "fin"}, "error"),
        ({"kind": "cut", "after_chunks": 40, "how": "rst"}, "error"),
        ({"kind": "stall", "after_chunks": 40}, "hang"),
        ({"kind": "no_finish", "after_words": 40}, "error"),
        ({"kind": "error_event", "after_chunks": 40}, "error"),
        ({"kind": "not_sse"}, "error"),
        ({"kind": "empty"}, "error"),
        ({"kind": "status", "status": 503}, "error"),
        ({"kind": "safety"}, "refusal"),
    ],
)
async def test_the_caller_is_careful(
    provider: Double, surface: Surface, fault: dict[str, object] | None, outcome: str
) -> None:
    if fault is not None:
        provider.script("openai", fault)
    url = f"http://127.0.0.1:{provider.port}"
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": "Bearer k"}) as client:
        seen = await call(client, surface, BODY, 0.5 if outcome == "hang" else 10)
    assert seen.outcome == outcome, seen
    assert outcome != "answer" or seen.said == (CANON,)


DONE = 'event: done\ndata: {"kind": "conversational", "answer_markdown": "one two"}\n\n'


@pytest.mark.parametrize(
    ("events", "outcome", "said"),
    [
        ('event: delta\ndata: {"text": "one two"}\n\n' + DONE, "answer", "one two"),
        ('event: delta\ndata: {"text": "one"}\n\n' + DONE, "answer", "DELTAS DIFFER: one"),
        ('event: delta\ndata: {"text": "one two"}\n\n', "error", "one two"),
        ('event: delta\ndata: {"text": "one"}\n\nevent: error\ndata: {"error": {"code": "x"}}\n\n', "error", "one"),
    ],
)
async def test_the_caller_compares_deltas_with_the_whole(events: str, outcome: str, said: str) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text=events))
    async with httpx.AsyncClient(base_url="http://test", transport=transport) as client:
        seen = await call(client, "v2 stream", {"query": "x"}, 10)
    assert (seen.outcome, seen.said) == (outcome, (said,))
