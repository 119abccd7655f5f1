"""Style guidance: a few short example exchanges, another choice of them each week."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import BaseModel, Field

from gateway.contract import Call, Configured, Policy, Services

Text = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]


class Shot(Configured):
    """One example exchange."""

    user: Text
    assistant: Text


class StyleFile(Configured):
    """``config/style.yaml``: ``introduction`` stands before the week's ``per_week`` shots."""

    introduction: Text
    per_week: Annotated[int, Field(ge=1, le=20)]
    shots: Annotated[list[Shot], Field(min_length=1, max_length=500)]


class StyleOptions(Configured):
    """``file`` is a file of the configuration folder."""

    file: str = "style.yaml"


def today() -> datetime.date:
    """The day in UTC, so that all of an operator's machines change over at once."""
    return datetime.datetime.now(datetime.UTC).date()


class Style(Policy):
    """Request: this week's shots, at the end of the system prompt, where they are no part of the conversation."""

    Options: ClassVar[type[BaseModel]] = StyleOptions
    flag: ClassVar[str | None] = "organic_enabled"
    after: ClassVar[tuple[str, ...]] = ("prompt", "prompt_guard")

    def __init__(self, options: StyleOptions, services: Services, clock: Callable[[], datetime.date] = today) -> None:
        self._file = services.files.yaml(options.file, StyleFile)
        self._clock = clock

    async def request(self, call: Call) -> Call:
        """Only questions that are answered in prose are shaped; a caller's own messages pass untouched."""
        messages = call.params.get("messages") or []
        if call.question is None or "response_format" in call.params or not messages:
            return call
        if messages[0]["role"] != "system":
            return call
        system = {**messages[0], "content": f"{messages[0]['content']}\n\n{self.guidance(self._clock())}"}
        return replace(call, params={**call.params, "messages": [system, *messages[1:]]})

    def guidance(self, day: datetime.date) -> str:
        """What is added in the week of ``day``."""
        shots = (f"Asked: {shot.user.strip()}\nIvy: {shot.assistant.strip()}" for shot in self.shots(day))
        return "\n\n".join((self._file.introduction.strip(), *shots))

    def shots(self, day: datetime.date) -> Sequence[Shot]:
        """The shots of the week of ``day``: from Monday on the next of the list, and round again."""
        all_shots, count = self._file.shots, min(self._file.per_week, len(self._file.shots))
        week = (day.toordinal() - 1) // 7  # day 1 was a Monday
        return [all_shots[(week * count + place) % len(all_shots)] for place in range(count)]

    def report(self) -> str:
        """This week's guidance."""
        return self.guidance(self._clock())
