"""Files to chunks, in processes of their own: a file that takes all memory or all time ends there, and is named."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from types import FrameType
from typing import NamedTuple

from gateway.retrieval import folder
from gateway.retrieval.split import split
from gateway.retrieval.types import Chunk, Unreadable

WORKERS = min(2, os.cpu_count() or 1)
#: Files that are read ahead of the one that is waited for.
AHEAD = 4 * WORKERS
SECONDS = 60
ADDRESS_SPACE = 4 * 1024**3
ENDED = "reading it ended its process; it may need too much memory"


class Limits(NamedTuple):
    """``max_bytes`` of a file, and characters of a chunk: about ``target``, never more than ``most``."""

    max_bytes: int
    target: int
    most: int


Outcome = list[Chunk] | str


class _TooLong(BaseException):
    """Not an Exception, which a library may catch and go on."""


async def read_all(files: Iterable[folder.File], limits: Limits) -> AsyncGenerator[tuple[folder.File, Outcome], None]:
    """Each file with its chunks, or with why it can't be read; in their order, a few of them in memory at a time."""
    waiting = iter(files)
    pool = _pool(WORKERS)
    loop = asyncio.get_running_loop()
    running: deque[tuple[folder.File, asyncio.Future[Outcome]]] = deque()
    try:
        while True:
            for file in islice(waiting, AHEAD - len(running)):
                try:
                    running.append((file, loop.run_in_executor(pool, read, file, limits)))
                except BrokenProcessPool:  # a process has ended while nobody was waiting for it
                    running.append((file, _failed(loop)))
            if not running:
                return
            file, future = running.popleft()
            try:
                yield file, await future
            except BrokenProcessPool:
                suspects = [file, *(other for other, _ in running)]
                await asyncio.gather(*(future for _, future in running), return_exceptions=True)
                running.clear()
                pool = _pool(WORKERS)
                for suspect in suspects:
                    yield suspect, await _alone(suspect, limits)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _failed(loop: asyncio.AbstractEventLoop) -> asyncio.Future[Outcome]:
    failed: asyncio.Future[Outcome] = loop.create_future()
    failed.set_exception(BrokenProcessPool())
    return failed


async def _alone(file: folder.File, limits: Limits) -> Outcome:
    """The file in a process that nothing else shares: one of several ended theirs, and this tells which."""
    pool = _pool(1)
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, read, file, limits)
    except BrokenProcessPool:
        return ENDED
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _pool(workers: int) -> ProcessPoolExecutor:
    # Not forked: this process has threads, those of LanceDB among them.
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin)


def _begin() -> None:
    """In a new process: it ends with its parent, however that ends, and has bounds."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = ADDRESS_SPACE if hard == resource.RLIM_INFINITY else min(hard, ADDRESS_SPACE)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def read(file: folder.File, limits: Limits) -> Outcome:
    """The file's chunks, or why it can't be read."""
    alarm = hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()
    if alarm:
        signal.signal(signal.SIGALRM, _stop)
        signal.alarm(SECONDS)
    try:
        return split(folder.read(file, limits.max_bytes), limits) or "it holds no text"
    except Unreadable as unreadable:
        return str(unreadable)
    except _TooLong:
        return f"reading it took longer than {SECONDS} s"
    except MemoryError:
        return "reading it needs too much memory"
    except Exception as error:  # whatever a format's library raises: one file must not end the others
        return f"it can't be read ({type(error).__name__})"
    finally:
        if alarm:
            signal.alarm(0)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise _TooLong
