"""Embeddings: unit vectors that depend on the text alone."""

import base64
import hashlib
import math
import struct
from functools import lru_cache

DIMENSIONS = 8
BYTES_EACH = 4


@lru_cache(maxsize=4096)
def unit(text: str, dimensions: int = DIMENSIONS) -> tuple[float, ...]:
    """`dimensions` numbers, as a vector 1 long, drawn from a hash of `text`."""
    raw = hashlib.shake_256(text.encode()).digest(BYTES_EACH * dimensions)
    values = [number / 2**31 - 1 for number in struct.unpack(f"<{dimensions}I", raw)]
    norm = math.sqrt(sum(value * value for value in values)) or 1.0
    return tuple(value / norm for value in values)


def packed(vector: tuple[float, ...]) -> str:
    """The vector as OpenAI's base64 form: little-endian 32-bit floats."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
