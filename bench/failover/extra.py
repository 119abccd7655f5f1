"""The faults that the published sixteen do not have."""

from __future__ import annotations

import json
from typing import Any

from bench.failover.catalogue import (
    CUT,
    JSON_ANSWER,
    ONCE,
    SMALL,
    V1,
    V2,
    Check,
    Fault,
    kind,
    status,
)
from bench.failover.timing import Timing

AREA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": AREA}} for name in ("look_up", "write_down")]
CALLED = json.dumps([[tool["function"]["name"], {"city": "text"}] for tool in TOOLS])  # type: ignore[index]
#: A stream of which the caller has seen a part that nobody can continue; whole where it has seen nothing.
BREAKS: Any = {"v1 stream": "error", "v2 stream": "error"}
BOUNDED = Check("primary_most", 6)
NOT_ASKED = Check("fallback_is", 0, advisory=True)


def faults(t: Timing) -> list[Fault]:
    """All of them."""
    return [*_limits(t), *_streams(t), *_uncontinued(), *_replies(), *_requests(), *_outages(t)]


def _limits(t: Timing) -> list[Fault]:
    at_once = (ONCE, Check("wall_most", t.at_once))
    return [
        Fault(id="E01", title="429, Retry-After too long", primary=(status(429, retry_after=60),), always=True,
              surfaces=V1, checks=at_once),
        Fault(id="E02", title="429 with Retry-After on Ivy", primary=(status(429, retry_after=t.retry_after),),
              always=True, surfaces=V2, checks=at_once),
        Fault(id="E03", title="slow first token, hedged", primary=(kind("slow_first_token", seconds=t.slow),),
              surfaces=V2, checks=(ONCE, Check("fallback_after_most", t.hedged), Check("primary_left"))),
    ]  # fmt: skip


def _streams(t: Timing) -> list[Fault]:
    def cut(name: str, title: str, primary: Any = CUT, **more: Any) -> Fault:
        return Fault(id=name, title=title, primary=(primary,), always=True, **more)

    return [
        cut("E04", "error event in mid-stream", kind("error_event", after_words=40)),
        cut("E05", "clean end without a finish reason", kind("no_finish", after_words=40)),
        cut("E06", "whole text without a finish reason", kind("no_finish"), prefills=True),
        cut("E07", "no [DONE], left open", kind("no_done", seconds=t.stall), checks=(Check("wall_most", t.prompt),)),
        cut("E08", "cut, fallback restarts", manner={"continuation": "restart"}),
        cut("E09", "cut, fallback repeats 5 words", manner={"continuation": "repeat:5"}),
        cut("E10", "cut, fallback is prefilled", prefills=True, surfaces=V1),
        cut("E11", "cut, prefilled fallback restarts", prefills=True, surfaces=V1, manner={"continuation": "restart"}),
        cut("E12", "cut, fallback on the same wire", twin=True, surfaces=V1),
        cut("E13", "reset in mid-stream", kind("cut", after_words=40, how="rst")),
        cut("E14", "cut inside an event", kind("cut_bytes", after_bytes=3001, how="fin")),
        cut("E15", "malformed event at the beginning", kind("malformed", after_chunks=0)),
        cut("E16", "malformed event, text lost", kind("malformed", after_words=10, drop=True)),
    ]  # fmt: skip


def _uncontinued() -> list[Fault]:
    return [
        Fault(id="E20", title="tool calls half sent, then cut", always=True,
              primary=(kind("cut", after={"openai": 4, "gemini": 1}, how="fin"),),
              surfaces=V1, ideals=BREAKS, prompt="Please use both tools.", expected=CALLED,
              body={"tools": TOOLS, "parallel_tool_calls": True}),
        Fault(id="E21", title="JSON cut in mid-stream", primary=(kind("cut", after_words=20, how="fin"),),
              always=True, surfaces=V1, ideals=BREAKS, prompt=f"[[say:{JSON_ANSWER}]]", expected=JSON_ANSWER,
              body={"response_format": {"type": "json_object"}}),
        Fault(id="E22", title="two choices cut in mid-stream", always=True,
              primary=(kind("cut", after={"openai": 62, "gemini": 30}, how="fin"),),
              surfaces=V1, ideals=BREAKS, n=2, body={"n": 2}),
        Fault(id="E23", title="cut, stream_break: error", primary=(CUT,), always=True, ideals=BREAKS, role="other"),
    ]  # fmt: skip


def _replies() -> list[Fault]:
    def always(name: str, title: str, primary: Any, **more: Any) -> Fault:
        return Fault(id=name, title=title, primary=(primary,), always=True, **{"checks": (BOUNDED,), **more})

    not_followed = (BOUNDED, Check("no_strays"))
    return [
        always("E30", "HTML with status 200", kind("not_sse")),
        always("E31", "HTML called JSON", kind("not_json", content_type="application/json")),
        always("E32", "an empty answer", kind("null_content")),
        always("E33", "an answer of white space", kind("whitespace")),
        always("E34", "no choices", kind("empty_choices")),
        always("E35", "an empty body", kind("empty")),
        always("E36", "body short of its length", kind("cut_bytes", after_bytes=200, how="fin")),
        always("E37", "10 MB answer", kind("huge", megabytes=10), ideals=dict.fromkeys(BREAKS, "bounded")),
        always("E38", "a redirect", kind("redirect", location="{double}/elsewhere"), checks=not_followed),
        always("E39", "huge headers", kind("huge_headers", kilobytes=512)),
        always("E40", "wrong content type", kind("mistyped", content_type="text/plain")),
        always("E41", "gzip bomb", kind("gzip_bomb", megabytes=40)),
    ]  # fmt: skip


def _requests() -> list[Fault]:
    def always(name: str, title: str, primary: Any, *checks: Check, **more: Any) -> Fault:
        return Fault(id=name, title=title, primary=(primary,), always=True, checks=checks, longest=20, **more)

    return [
        always("E50", "model gone (404)", kind("model_not_found"), ONCE),
        always("E51", "key refused (401)", kind("bad_key"), ONCE),
        always("E52", "too long, no larger model", kind("context_too_long"), ONCE, NOT_ASKED,
               Check("status_is", 400, advisory=True), ideal="error", window=SMALL, role="other"),
        always("E53", "content refused, as a 200", kind("safety", where="answer"), ONCE, NOT_ASKED, ideal="refusal"),
        always("E54", "refused in the candidate", kind("safety", where="candidate"), ONCE, NOT_ASKED, ideal="refusal"),
    ]  # fmt: skip


def _in_time(t: Timing) -> tuple[Check, ...]:
    """The whole request's deadline, by route."""
    return (
        Check("wall_most", t.deadline["v1"], surfaces=V1, requires="deadline"),
        Check("wall_most", t.deadline["v2"], surfaces=V2, requires="deadline"),
    )


def _outages(t: Timing) -> list[Fault]:
    in_time = _in_time(t)
    told = (Check("status_is", 503, advisory=True, surfaces=V1), Check("retry_after_told", advisory=True, surfaces=V1))
    degraded: Any = dict.fromkeys(V2, "degraded")
    silence, trickle = kind("silence", seconds=t.silence), kind("trickle", interval_ms=t.trickle_ms)
    return [
        Fault(id="E60", title="everything down", primary=(status(503),), always=True, fallback=status(503),
              ideal="error", ideals=degraded, checks=(*in_time, *told), longest=130),
        Fault(id="E61", title="everything silent", primary=(silence,), always=True, fallback=silence,
              ideal="error", ideals=degraded, checks=(*in_time, *told), longest=130),
        Fault(id="E62", title="everything trickles", primary=(trickle,), always=True, fallback=trickle,
              ideal="bounded", checks=in_time, longest=260),
        Fault(id="E63", title="cut, fallback down", primary=(CUT,), always=True, fallback=status(503),
              ideal="bounded", checks=in_time),
        Fault(id="E64", title="cut, prefill refused, cut again", primary=(CUT,), always=True, fallback=CUT,
              ideal="bounded", manner={"prefill": "refuse"}, prefills=True, checks=(*in_time, Check("prefill_untold"))),
    ]  # fmt: skip
