"""Headers, footers and page numbers of a document's pages, which are none of its text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

#: On fewer pages a line that is repeated may be text.
FEWEST_PAGES = 4
#: So many lines at each end of a page are looked at.
EDGE = 2
LONGEST = 120
NUMBER = re.compile(r"\d+|\b[ivxl]+\b")


def without_running(pages: Sequence[str]) -> list[str]:
    """The pages' texts without the lines at their ends that more than half of them share, numbers aside."""
    if len(pages) < FEWEST_PAGES:
        return list(pages)
    split = [page.strip().split("\n") for page in pages]
    shared = Counter(form for lines in split for form in {_form(lines[place]) for place in _edges(lines)})
    running = {form for form, count in shared.items() if count * 2 > len(pages) and len(form) <= LONGEST}
    return ["\n".join(_kept(lines, running)) for lines in split]


def _edges(lines: Sequence[str]) -> set[int]:
    """Places of the first and last lines."""
    return {*range(min(EDGE, len(lines))), *range(max(len(lines) - EDGE, 0), len(lines))}


def _form(line: str) -> str:
    return NUMBER.sub("#", line.strip())


def _kept(lines: Sequence[str], running: set[str]) -> Iterator[str]:
    edges = _edges(lines)
    for place, line in enumerate(lines):
        if place not in edges or _form(line) not in running:
            yield line
