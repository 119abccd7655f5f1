"""A provider's stream of events as chunks: one by one for a stream, or gathered for a call that is not streamed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import ParamSpec, Protocol, TypeVar

from gateway.contract import Chunk
from gateway.lanes.malformed import Mender
from gateway.lanes.progress import Progress
from gateway.lanes.sse import EventParser
from gateway.lanes.wire import Gatherer, Json, StreamReader, check_shape
from gateway.upstream.deployment import TICK
from gateway.upstream.failures import Failure, Kind

P = ParamSpec("P")
T = TypeVar("T")
DONE = b"[DONE]"
STREAM_FACTOR = 4  # a stream repeats its envelope with every event
ENVELOPE_BYTES = 1024  # what of an event is taken for its envelope
#: To be told of every read would cost more than to read it; limits on silence are in seconds.
TICK_SECONDS = 0.05


class Reading(Protocol):
    """Takes in bytes as they come. Both methods raise Failure, after giving what came before its cause."""

    progress: Progress

    @property
    def over(self) -> bool:
        """Whether nothing of the answer is to come; a usage still may, for a moment."""

    def feed(self, received: bytes) -> Iterator[Chunk]:
        """The chunks that ``received`` makes."""

    def end(self) -> Iterator[Chunk]:
        """What is left where the stream has ended; Failure(UNFINISHED) where it ended too early."""


class _Events:
    """The objects of a stream's events. They are bounded in all, and so is what is left of them without their
    envelopes. ``done`` is that the provider said so."""

    def __init__(self, progress: Progress, max_bytes: int) -> None:
        self._parser = EventParser()
        self._max_bytes = max_bytes
        self._size = self._answer = 0
        self.mender = Mender(progress)
        self.done = False

    def feed(self, received: bytes) -> Iterator[Json]:
        events = self._parser.feed(received)
        self._size += len(received)
        self._answer += sum(len(event) - ENVELOPE_BYTES for event in events if len(event) > ENVELOPE_BYTES)
        if self._size > self._max_bytes * STREAM_FACTOR or self._answer > self._max_bytes:
            raise Failure(Kind.GARBAGE, f"the reply is over {self._max_bytes} bytes")
        yield from self._objects(events)

    def _objects(self, events: list[bytes]) -> Iterator[Json]:
        if len(events) > 1:
            last = events[-1] == DONE
            read = self.mender.read_all(events[:-1] if last else events)
            if read is not None:
                yield from read
                events = events[-1:] if last else []
        for event in events:
            if event == DONE:
                self.mender.end()
                self.done = True
            else:
                data = self.mender.read(event)
                if data is not None:
                    yield data

    def end(self) -> Iterator[Json]:
        last = self._parser.flush()
        data = self.mender.read(last) if last is not None and last != DONE else None
        if data is not None:
            yield data


class Streamed:
    """Chunks as they come; held back while it is doubtful whether one is missing before them, with a ``TICK`` for
    each."""

    def __init__(self, reader: StreamReader, max_bytes: int) -> None:
        self.progress = reader.progress
        self._reader = reader
        self._events = _Events(reader.progress, max_bytes)
        self._held: list[Chunk] = []

    @property
    def over(self) -> bool:
        """See ``Reading``."""
        return self.progress.over or (self._events.done and self.progress.finished)

    def feed(self, received: bytes) -> Iterator[Chunk]:
        """See ``Reading``."""
        yield from self._chunks(self._events.feed(received))

    def end(self) -> Iterator[Chunk]:
        """See ``Reading``."""
        yield from self._chunks(self._events.end())
        self._events.mender.end()
        yield from self._held
        if not self.progress.finished:
            kind = Kind.UNFINISHED if self.progress.brought else Kind.EMPTY
            raise Failure(kind, "the stream ended without a finish reason")
        for data in parsed("the usage", self._reader.end):
            yield _chunk(data)

    def _chunks(self, events: Iterator[Json]) -> Iterator[Chunk]:
        mender, read = self._events.mender, self._reader.read
        for data in events:
            chunks = map(_chunk, parsed("an event", read, data))
            if not mender.doubtful:
                yield from chunks
                continue
            self._held += chunks
            if mender.settled():
                held, self._held = self._held, []
                yield from held
            else:
                yield TICK  # it speaks, though nothing of it can be given out yet


class Gathered:
    """``TICK`` while the answer comes, then the whole of it. ``whole`` reads a reply in the provider's own format."""

    def __init__(self, gatherer: Gatherer, whole: Callable[[Json], Json], max_bytes: int) -> None:
        self.progress = gatherer.progress
        self._gatherer = gatherer
        self._whole = whole
        self._events = _Events(gatherer.progress, max_bytes)
        self._given = False
        self._quiet_until = 0.0

    @property
    def over(self) -> bool:
        """See ``Reading``."""
        return self._given or self.progress.over

    @property
    def done(self) -> bool:
        """Whether the provider itself said that there is no more."""
        return self._events.done

    def feed(self, received: bytes) -> Iterator[Chunk]:
        """See ``Reading``."""
        if self._given:
            return
        says = self._add(self._events.feed(received))
        if (self.progress.complete or (self.done and self.progress.finished)) and self._events.mender.settled():
            yield self._answer()
        elif says:
            now = time.monotonic()
            if now >= self._quiet_until:
                self._quiet_until = now + TICK_SECONDS
                yield TICK

    def end(self) -> Iterator[Chunk]:
        """See ``Reading``."""
        if self._given:
            return
        self._add(self._events.end())
        self._events.mender.end()
        yield self._answer()

    def _add(self, events: Iterator[Json]) -> bool:
        return parsed("an event", self._add_all, events)

    def _add_all(self, events: Iterator[Json]) -> bool:
        says, add = False, self._gatherer.add
        for data in events:
            says = add(data) or says
        return says

    def _answer(self) -> Chunk:
        self._given = True
        reply = parsed("the reply", self._gatherer.reply)
        return _chunk(parsed("the reply", self._whole, reply))


def _chunk(data: Json) -> Chunk:
    check_shape(data)
    return Chunk(data)


def parsed(what: str, parse: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """What ``parse`` makes of a provider's data; raises Failure and nothing else."""
    try:
        return parse(*given, **named)
    except Failure:
        raise
    except Exception as error:  # LiteLLM's parsers raise whatever they meet
        raise Failure(Kind.GARBAGE, f"{what} has an unknown shape ({type(error).__name__})") from error
