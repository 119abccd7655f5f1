"""The report of a run: for the terminal, as Markdown, as JSON."""

from __future__ import annotations

import textwrap
from dataclasses import asdict

import orjson

from bench.promises import Promise
from bench.table import NAMES, Found, number, tables

WIDTH = 118


def text(found: Found) -> str:
    """For the terminal."""
    facts = [f"{name}: {value}" for name, value in found.machine.items()]
    facts += [f"{NAMES[name]} is left out: {why}" for name, why in found.missing.items()]
    paragraphs = [
        "\n".join(facts),
        "\n".join(textwrap.fill(line, WIDTH, initial_indent="- ", subsequent_indent="  ") for line in found.method),
        *(table.text() for table in tables(found)),
        *_errors(found),
    ]
    if found.promises:
        paragraphs.append("\n".join(["Promises", *(_promise(one) for one in found.promises)]))
    return "\n\n".join(paragraphs) + "\n"


def markdown(found: Found) -> str:
    """For the README: the tables, then what they were measured on and how."""
    facts = "; ".join(f"{name} {value}" for name, value in found.machine.items())
    left_out = [f"{NAMES[name]} is left out: {why}." for name, why in found.missing.items()]
    missed = [f"{one.text}: {number(one.value)}, not {number(one.limit)}" for one in found.promises if not one.kept]
    weak = [f"Not reached: {'; '.join(missed)}."] if missed else []
    method = "\n".join(f"- {line}" for line in found.method)
    return "\n\n".join([*(table.markdown() for table in tables(found)), *weak, *left_out, f"{facts}.", method]) + "\n"


def as_json(found: Found) -> bytes:
    """Everything, for a program; NaN is null."""
    promises = [{**asdict(one), "kept": one.kept} for one in found.promises]
    return orjson.dumps({**asdict(found), "promises": promises}, option=orjson.OPT_INDENT_2) + b"\n"


def broken(found: Found) -> list[str]:
    """The promises that do not hold, one a line."""
    return [_promise(one) for one in found.promises if not one.kept]


def _promise(one: Promise) -> str:
    sense = "at most" if one.at_most else "at least"
    return f"{'kept' if one.kept else 'NOT KEPT':<9} {one.text}: {number(one.value)} ({sense} {number(one.limit)})"


def _errors(found: Found) -> list[str]:
    """The first error of each target that had one, so that a failed row can be looked into."""
    errors = {NAMES[name]: cell.error for line in found.lines for name, cell in line.cells.items() if cell.error}
    errors |= {NAMES[name]: slow.error for name, slow in found.slow.items() if slow.error}
    errors |= {NAMES[name]: memory.error for name, memory in found.memory.items() if memory.error}
    lines = [textwrap.shorten(f"{name}: {error}", 600) for name, error in errors.items()]
    return ["\n".join(["Errors, the last row's first of each target", *lines])] if lines else []
