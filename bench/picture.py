"""The rates at 32 callers as an SVG for the README: plain bars, readable on a light and on a dark page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from bench.measure import Line
from bench.table import NAMES, number, times

#: Colours that stand out on white and on near black alike.
COLOURS = {"gateway": "#1a7f64", "litellm": "#c2571a", "portkey": "#6e7bb8"}
WIDTH, LEFT, RIGHT = 760, 190, 130
BAR, GAP, BETWEEN, TOP = 14, 3, 16, 46
STYLE = """\
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.figure { font-size: 11px; fill: #59636e }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .figure { fill: #9198a1 } }"""


def svg(lines: Sequence[Line]) -> str:
    """The picture; of each row that was measured with the most callers, one bar a target."""
    most = max((line.callers for line in lines), default=0)
    shown = [line for line in lines if line.callers == most]
    targets = [name for name in COLOURS if any(name in line.cells for line in shown)]
    scale = max((_rate(line, name) for line in shown for name in targets), default=0.0) or 1.0
    height = TOP + len(shown) * (len(targets) * (BAR + GAP) + BETWEEN)
    parts = [_legend(targets, most)]
    y = TOP
    for line in shown:
        parts.append(_group(line, targets, scale, y))
        y += len(targets) * (BAR + GAP) + BETWEEN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
            f'height="{height}" role="img" aria-label="Requests per second by target">',
            f"<style>{STYLE}</style>",
            *parts,
            "</svg>\n",
        ]
    )


def _legend(targets: Sequence[str], callers: int) -> str:
    parts = [f'<text x="0" y="14">Requests/s, one worker, {callers} callers</text>']
    x = LEFT + 80
    for name in targets:
        parts.append(f'<rect x="{x}" y="4" width="12" height="12" rx="2" fill="{COLOURS[name]}"/>')
        parts.append(f'<text x="{x + 17}" y="14">{escape(NAMES[name])}</text>')
        x += 130
    return "\n".join(parts)


def _group(line: Line, targets: Sequence[str], scale: float, top: int) -> str:
    """One row: its label, and the bars below each other."""
    middle = top + (len(targets) * (BAR + GAP)) // 2 + 2
    parts = [f'<text x="0" y="{middle}">{escape(line.label)}</text>']
    for place, name in enumerate(targets):
        y = top + place * (BAR + GAP)
        rate = _rate(line, name)
        width = max(1.0, rate / scale * (WIDTH - LEFT - RIGHT))
        gain = line.gains.get(name, math.nan)
        said = number(rate) + ("" if math.isnan(gain) else f" (ours is {times(gain)})")
        parts.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2" fill="{COLOURS[name]}"/>')
        parts.append(f'<text class="figure" x="{LEFT + width + 6:.1f}" y="{y + 11}">{escape(said)}</text>')
    return "\n".join(parts)


def _rate(line: Line, name: str) -> float:
    """NaN and what was not measured are bars of no length."""
    rate = line.cells[name].rate if name in line.cells else 0.0
    return 0.0 if math.isnan(rate) else rate
