from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.assembly import assemble
from gateway.contract import (
    Chunk,
    GatewayError,
    Identity,
    InternalError,
    InvalidRequest,
    RateLimited,
    Refusal,
    Unavailable,
    UpstreamRejected,
)
from gateway.pipeline import Pipeline
from gateway.settings import ConfigError
from gateway.settings.load import PROJECT
from policies.offline import Offline, OfflineOptions
from tests.support.asgi import Lines
from tests.support.configuration import Configuration
from tests.support.fakes import PROPERTY, FakeUpstream, Source, collect, make_call, piece
from tests.support.policies import FakeMemory, asked, services

POLICY = Offline(OfflineOptions(), services())
SHIPPED = yaml.safe_load((PROJECT / "config" / "offline.yaml").read_text())
DOWN = [Unavailable("nobody"), RateLimited("all over their limits")]
LEAD = {
    "name": "Maya Chen",
    "company": "Harbour & Sons",
    "title": "Head of Sales",
    "status": "qualified",
    "leadScore": 82,
    "aiInsights": ["Asked for a demo", {"title": "Budget", "description": "approved in May"}],
}
FILE = "answer: Nobody is there.\nheading: 'Known:'\nlines: ['Name: {lead.name}', 'Note: {notes*}', '{raw}']\n"


def own(text: str = FILE) -> Offline:
    return Offline(OfflineOptions(file="own.yaml"), services({"own.yaml": text}))


async def said(policy: Offline, error: GatewayError = DOWN[0], **context: Any) -> str:
    """The text of the one chunk that stands for a failed reply."""
    (chunk,) = await collect(policy.response(asked(**context), Source(error).chunks()))
    assert (chunk.finish, chunk.notes) == ("stop", {"degraded": True})
    return chunk.text


@pytest.mark.parametrize("error", DOWN, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("context", [{}, {"lead": {}}, {"lead": None}, {"lead": "Maya"}, {"lead": {"name": "  "}}])
async def test_without_facts_it_says_only_that_no_model_can_be_reached(
    error: GatewayError, context: dict[str, Any]
) -> None:
    assert await said(POLICY, error, **context) == SHIPPED["answer"]


async def test_what_the_context_holds_is_said_as_it_is() -> None:
    text = await said(POLICY, lead=LEAD, triage={"priority": "high"}, forecast="closes in June", current_page="leads")
    answer, heading, items = text.split("\n\n")
    assert [answer, heading] == [SHIPPED["answer"], SHIPPED["heading"]]
    assert items.split("\n") == [
        "- Lead: Maya Chen",
        "- Company: Harbour & Sons",
        "- Role: Head of Sales",
        "- Status: qualified",
        "- Lead score: 82",
        "- Triage: priority: high",
        "- Forecast: closes in June",
        "- Insight: Asked for a demo",
        "- Insight: Budget: approved in May",
        "- The page on the screen: leads",
    ]


@pytest.mark.parametrize("missing", sorted(LEAD))
async def test_a_line_is_there_only_where_its_fact_is(missing: str) -> None:
    kept = {key: value for key, value in LEAD.items() if key != missing}
    whole, less = await said(POLICY, lead=LEAD), await said(POLICY, lead=kept)
    assert set(less.split("\n")) < set(whole.split("\n"))


async def test_what_steers_the_gateway_is_no_fact() -> None:
    policy = own(FILE.replace("{raw}", "{conversation_history}"))
    assert await said(policy, conversation_history=[{"role": "user", "content": "hello"}]) == "Nobody is there."


async def test_a_record_can_t_write_markdown_html_or_links() -> None:
    notes = ["[pay](https://evil.example)", "<img src=x>", "**bold**\n# Title\n- item", "www.evil.example"]
    text = await said(own(), lead={"name": "![x](//evil.example)"}, notes=notes, raw="1. one\n2. two")
    assert text.split("\n") == [
        *("Nobody is there.", "", "Known:", ""),
        "- Name: (link left out)",
        "- Note: (link left out)",
        "- Note: &lt;img src=x&gt;",
        r"- Note: \*\*bold\*\* # Title - item",
        "- Note: (link left out)",
        r"- 1\. one 2. two",
    ]


@pytest.mark.parametrize("most", [0, 1, 12])
async def test_lines_are_bounded_in_number_and_length(most: int) -> None:
    notes = [f"word {number} " * 200 for number in range(5000)]
    text = await said(own(f"{FILE}max_lines: {most}\n"), lead={"name": "x" * 100_000}, notes=notes, raw="7" * 100_000)
    items = [line for line in text.split("\n") if line.startswith("- ")]
    assert len(items) == min(most, 11)
    assert all(len(item) < 400 for item in items)
    assert text.startswith("Nobody is there.") and ("Known:" in text) == bool(most)


async def passed(policy: Offline, *steps: Chunk | BaseException) -> tuple[list[Chunk], BaseException | None]:
    """What comes through, and how it ended."""
    chunks: list[Chunk] = []
    try:
        async for chunk in policy.response(asked(lead=LEAD), Source(*steps).chunks()):
            chunks.append(chunk)  # noqa: PERF401 - what came before an error is kept
    except GatewayError as error:
        return chunks, error
    return chunks, None


@pytest.mark.parametrize("steps", [[], [piece("a"), piece("b", "stop")], [Chunk.saying("", {"modal": {}})]])
async def test_a_reply_passes_as_it_is(steps: list[Chunk]) -> None:
    assert await passed(POLICY, *steps) == (steps, None)


@pytest.mark.parametrize("error", DOWN, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("begun", [piece("So"), piece(role="assistant"), Chunk.saying("", {"sources": []})])
async def test_a_reply_that_began_and_broke_is_passed_on(error: GatewayError, begun: Chunk) -> None:
    assert await passed(POLICY, begun, error) == ([begun], error)


@pytest.mark.parametrize(
    "error",
    [InvalidRequest("no"), Refusal("no"), UpstreamRejected("no", status=400), InternalError("oh")],
    ids=lambda error: type(error).__name__,
)
async def test_every_other_error_is_passed_on(error: GatewayError) -> None:
    assert await passed(POLICY, error) == ([], error)


async def test_a_caller_s_own_messages_are_left_alone() -> None:
    chunks = Source(DOWN[0]).chunks()
    assert POLICY.response(make_call(), chunks) is chunks
    await chunks.aclose()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("answer: Nobody is there.", "answer: ' '", "'answer'"),
        ("lines:", "line:", "unknown key 'line'"),
        ("{notes*}", "{notes*", "is no placeholder"),
        ("{notes*}", "{notes|none}", "'Note: {notes|none}' says something where the context says nothing"),
        ("{notes*}", "none", "'Note: none' says something where the context says nothing"),
        ("Note: ", "Top 5: ", "'Top 5: {notes*}' holds a number of its own"),
        ("Note: ", "Twelve notes: ", "holds a number of its own"),
        ("lines:", "max_lines: 51\nlines:", "'max_lines'"),
    ],
)
def test_a_file_that_could_invent_something_is_refused(before: str, after: str, words: str) -> None:
    with pytest.raises(ValueError, match="own.yaml") as raised:
        own(FILE.replace(before, after))
    assert words in str(raised.value)


async def test_a_line_may_hold_several_facts() -> None:
    policy = own(FILE.replace("Note: {notes*}", "{lead.name} scores {lead.leadScore}"))
    assert "- Maya Chen scores 82" in await said(policy, lead=LEAD)


def pipeline(tmp_path: Path, memory: FakeMemory, upstream: FakeUpstream, names: list[str] | None = None) -> Pipeline:
    """The shipped policies, or these of them, in front of ``upstream``."""
    listed = yaml.safe_load((PROJECT / "config" / "gateway.yaml").read_text())["policies"]
    by_name = {entry["name"]: entry for entry in listed}
    for path in sorted((PROJECT / "config").rglob("*.*")):
        if path.name != "gateway.yaml":
            Configuration(tmp_path).write(str(path.relative_to(PROJECT / "config")), path.read_bytes())
    text = json.dumps({"policies": [by_name[name] for name in names or by_name]})
    return assemble(Configuration(tmp_path).load(text), upstream, memory, Lines())


@pytest.mark.parametrize(
    ("error", "remembered"), [(DOWN[0], 0), (DOWN[1], 0), (None, 1)], ids=["unavailable", "rate_limited", "answered"]
)
async def test_it_is_not_remembered_and_has_its_actions(
    tmp_path: Path, error: Exception | None, remembered: int
) -> None:
    memory = FakeMemory()
    upstream = FakeUpstream(piece("Ring her.", "stop"), fails=error)
    call = asked("Could I send her an email?", lead=LEAD)
    call = make_call(surface=call.surface, question=call.question, identity=Identity("127.0.0.1", user="ann"))
    async with pipeline(tmp_path, memory, upstream).run(call) as answer:
        notes = {key: value for chunk in await collect(answer.chunks) for key, value in chunk.notes.items()}
    assert notes["actions"] == [{"label": "Send email", "action": "open_email_composer"}]
    assert notes.get("degraded", False) is bool(error)
    assert sum(map(len, memory.turns.values())) == remembered


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["prompt", "memory", "offline"], "the policy 'memory' must stand after 'offline'"),
        (["offline", "actions"], "the policy 'offline' must stand after 'actions'"),
        (["offline", "private_topics"], "the policy 'offline' must stand after 'private_topics'"),
    ],
)
def test_its_place_in_the_list_is_checked(tmp_path: Path, names: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        pipeline(tmp_path, FakeMemory(), FakeUpstream(), names)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
KEYS = ["name", "company", "title", "status", "leadScore", "aiInsights"]
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "lead": VALUES | st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, VALUES)),
        "triage": VALUES,
        "forecast": VALUES,
        "current_page": VALUES,
    },
)
DIGITS = re.compile(r"\d+")


@PROPERTY
@given(CONTEXTS)
async def test_no_context_is_too_odd_and_none_brings_a_number_that_it_does_not_hold(context: dict[str, Any]) -> None:
    text = await said(POLICY, **context)
    held = set(DIGITS.findall(json.dumps(context, ensure_ascii=False)))
    assert set(DIGITS.findall(text)) <= held
    assert text.startswith(SHIPPED["answer"])
    assert sum(line.startswith("- ") for line in text.split("\n")) <= SHIPPED["max_lines"]
    assert not {"<", ">"} & set(text)


async def test_the_provider_s_call_is_closed_with_the_reply() -> None:
    source = Source(piece("a"), piece("b", "stop"))
    chunks: AsyncIterator[Chunk] = source.chunks()
    reply = POLICY.response(asked(), chunks)
    assert (await anext(reply)).text == "a"
    assert source.closed == 0
    await collect(reply)
    assert source.closed == 1
