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
    collector's sight. LiteLLM's modules are some 380,000 objects: to look through them again and again took 30% of
    the time of their import, and then a fifth of what a request takes."""
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()  # of what was built before, some may be no longer in use
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT)
        gc.enable()
