"""The garbage collector's part in starting and in serving."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: New objects, and collections of the generation before, until a collection: requests leave few cycles behind.
COLLECT = (5_000, 20, 20)


@contextmanager
def building() -> Iterator[None]:
    """For what is to stay: while it is imported and built nothing is collected, and afterwards it is out of the
    collector's sight. LiteLLM's modules are hundreds of thousands of objects: to look through them again and again
    took a third of the start, a fifth of each request and up to 0.2 s at once."""
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()  # of what was built before, some may be no longer in use
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT)
        gc.enable()
