"""Puts the events of a Gemini stream together to the GenerateContentResponse that it would have been."""

from __future__ import annotations

from typing import Any

from gateway.lanes import gemini_plain
from gateway.lanes.gemini_stream import note
from gateway.lanes.progress import Progress
from gateway.lanes.wire import Json

#: The fields of a part that is text and nothing else.
TEXT_FIELDS = frozenset({"text", "thought"})
#: Fields of a candidate whose lists go on from event to event; of all others the last one tells.
CONTINUED = frozenset({"logprobsResult", "citationMetadata"})


class GeminiGatherer:
    """A GenerateContentResponse in the making; of what is said more than once, the last is kept."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._top: Json = {}
        self._candidates: dict[int, _Candidate] = {}
        #: The candidate that an event goes on with which brings text and nothing else.
        self._under_way: _Candidate | None = None

    def add(self, data: Json) -> bool:
        """See ``wire.Gatherer``."""
        if self._under_way is not None:
            text = gemini_plain.only_text(data)
            if text is not None:
                self._under_way.add_text(text)
                self.progress.brought += 1
                if data.get("usageMetadata"):
                    self._top["usageMetadata"] = data["usageMetadata"]
                return not text.isspace()
        says = note(self.progress, data)
        for key, value in data.items():
            if key == "candidates":
                for candidate in value or ():
                    self._candidate(candidate.get("index", 0)).add(candidate)
            elif value is not None:
                self._top[key] = value
        first = self._candidates.get(0)
        self._under_way = first if first is not None and first.begun and not self.progress.over else None
        return says

    def reply(self) -> Json:
        """See ``wire.Gatherer``."""
        if not self._candidates:
            return dict(self._top)
        return {**self._top, "candidates": [self._candidates[index].whole() for index in sorted(self._candidates)]}

    def _candidate(self, index: int) -> _Candidate:
        found = self._candidates.get(index)
        if found is None:
            found = self._candidates[index] = _Candidate()
        return found


class _Candidate:
    """One candidate. ``text`` is the part of text under way, ``thought`` whether it is a thought."""

    __slots__ = ("_content", "_fields", "_parts", "_text", "_thought")

    def __init__(self) -> None:
        self._fields: Json = {}
        self._content: Json | None = None
        self._parts: list[Any] = []
        self._text: list[str] = []
        self._thought = False

    def add(self, candidate: Json) -> None:
        for key, value in candidate.items():
            if value is None:
                continue
            if key == "content":
                self._content = {**(self._content or {}), **value}
                for part in value.get("parts") or ():
                    self._part(part)
            elif key in CONTINUED:
                self._go_on(self._fields.setdefault(key, {}), value)
            else:
                self._fields[key] = value

    @property
    def begun(self) -> bool:
        """Whether any content has come."""
        return self._content is not None

    def add_text(self, text: str) -> None:
        """Take in an event's only part, where that is text."""
        if self._thought:
            self._close_text()
            self._thought = False
        self._text.append(text)

    def _part(self, part: Json) -> None:
        text = part.get("text")
        if not isinstance(text, str) or not part.keys() <= TEXT_FIELDS:
            self._close_text()
            self._parts.append(part)
            return
        thought = bool(part.get("thought"))
        if thought != self._thought:
            self._close_text()
            self._thought = thought
        self._text.append(text)

    def _close_text(self) -> None:
        if self._text:
            text: Json = {"text": "".join(self._text)}
            self._parts.append(text | {"thought": True} if self._thought else text)
            self._text = []

    @staticmethod
    def _go_on(kept: Json, more: Json) -> None:
        for key, value in more.items():
            if isinstance(value, list):
                kept[key] = before = kept.get(key) or []
                before.extend(value)
            elif value is not None:
                kept[key] = value

    def whole(self) -> Json:
        """The candidate as it would have come in one piece."""
        self._close_text()
        if self._content is None:
            return self._fields
        content = {**self._content, "parts": self._parts}
        if not self._parts:
            del content["parts"]
        return {"content": content, **self._fields}
