"""What a policy changes of a reply's chunks."""

from __future__ import annotations

from gateway.contract import Chunk


def saying(chunk: Chunk, text: str, *, finish: str | None = None) -> Chunk:
    """``chunk`` with another text for its first choice and, with ``finish``, as the end of it."""
    choices = []
    for choice in chunk.data.get("choices") or ():
        if choice.get("index", 0) == 0:
            said = {**choice, "delta": {**(choice.get("delta") or {}), "content": text}}
            choices.append({**said, "finish_reason": finish or choice.get("finish_reason")})
        else:
            choices.append(choice)
    return Chunk({**chunk.data, "choices": choices}, chunk.notes)
