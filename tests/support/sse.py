"""Reads server-sent events in tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """One event; ``name`` is None where it has none."""

    name: str | None
    data: str

    @property
    def json(self) -> Any:
        """The data, parsed."""
        return json.loads(self.data)


def events(text: str) -> list[Event]:
    """All events of a body."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "data" in fields:
            found.append(Event(fields.get("event"), fields["data"]))
    return found
