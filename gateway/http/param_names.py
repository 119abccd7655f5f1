"""Names the caller's own field where a provider found fault with the chat that was made of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping

from gateway.contract import Chunk, GatewayError

ROOT = re.compile(r"\w+")


async def in_words_of(names: Mapping[str, str], chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    """The chunks as they are; an error among them names the caller's field. ``names`` are those fields, by the chat's
    parameters; a place within one of these is none in the caller's."""
    try:
        async for chunk in chunks:
            yield chunk
    except GatewayError as error:
        root = ROOT.match(error.param or "")
        if root is not None and root[0] in names:
            error.param = names[root[0]]
        raise
