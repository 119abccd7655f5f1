"""The garbage collector's part in starting and in serving."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: New objects, and collections of the generation before, until a collection: requests leave few cycles behind.
COLLECT = (5_000, 20, 20)
#: While all is imported and built: young objects only, which costs nothing that shows and keeps 4 MB less for ever.
COLLECT_YOUNG = (50_000, 50, 1_000_000)
LOOK_SECONDS = 0.05


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


@contextmanager
def serving() -> Iterator[None]:
    """Collects between the running loop's steps, by the usual thresholds, and never within one.

    Before Python 3.12 a collection can begin within any allocation. What it closes then (a coroutine that nobody waits
    for, say) may set a context variable in the middle of another's being set, and the process crashes
    (python/cpython#148891).
    """
    loop = asyncio.get_running_loop()
    following: list[asyncio.TimerHandle] = []

    def look() -> None:
        counts = zip(gc.get_count(), gc.get_threshold(), strict=True)
        due = [generation for generation, (count, most) in enumerate(counts) if count > most]
        if due:
            gc.collect(max(due))
        following[:] = [loop.call_later(LOOK_SECONDS, look)]

    gc.disable()
    look()
    try:
        yield
    finally:
        following[0].cancel()
        gc.enable()
