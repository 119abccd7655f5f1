"""How many tokens a text is counted as, where a budget of them is to be kept before the provider has counted."""

from __future__ import annotations

#: Tokenisers take 3 to 5 bytes of English for a token, and about 3 of other scripts.
BYTES = 3
CUT = "…"


def estimate(text: str) -> int:
    """Tokens of ``text``, counted as 3 bytes of its UTF-8 each and rounded up, which overstates English."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES)


def clipped(text: str, budget: int) -> str:
    """As much of the beginning of ``text`` as goes into ``budget`` tokens, marked where it is not all."""
    if estimate(text) <= budget:
        return text
    room = max(0, budget * BYTES - len(CUT.encode()))
    return text.encode("utf-8", "surrogatepass")[:room].decode("utf-8", "ignore") + CUT
