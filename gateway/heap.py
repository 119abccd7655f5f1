"""The garbage collector's part in starting and in serving."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: New objects, and collections of the generation before, until a collection: requests leave few cycles behind.
COLLECT = (5_000, 20, 20)
#: While all is imported and built: young objects only, which costs nothing that shows and keeps 4 MB less for ever.
COLLECT_YOUNG = (50_000, 50, 1_000_000)


@contextmanager
def building() -> Iterator[None]:
    """For what is to stay: while it is imported and built it is not looked through, and afterwards it is out of the
    collector's sight. LiteLLM's modules are some 380,000 objects: to look through them again and again took 30% of
    the time of their import, and then a fifth of what a request takes."""
    gc.set_threshold(*COLLECT_YOUNG)
    try:
        yield
    finally:
        gc.unfreeze()  # of what was built before, some may be no longer in use
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT)
