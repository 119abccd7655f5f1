"""The log: structlog, one JSON object a line into a rotating file, readable lines on a terminal.

The gateway's own lines do not pass through ``logging``, whose records cost more than the line does; they are written
at once, so that a process that is killed loses none. Other libraries' lines come from there and are treated alike.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NoReturn

import orjson
import structlog

from gateway import redact
from gateway.settings.schema import Logging

FILE = "ai_router.log"
#: Made here, of letters and digits only: there is nothing personal in them, and they stand in every line.
PLAIN_FIELDS = frozenset({"event", "level", "timestamp"})
#: A request's id as it is made here, or a caller's like it: never the same again, so that it is not worth keeping.
OWN_ID = re.compile(r"req_[0-9a-f]{32}")
LONGEST = 2000
#: What comes again from line to line (paths, models, users) is short, and is cleaned once.
SHORT = 100
COMPLAINT_SECONDS = 60.0
_NUMBERS = logging.getLevelNamesMapping()
Event = MutableMapping[str, Any]
Log = Callable[..., None]


def configure(settings: Logging, folder: Path) -> Log:
    """Set up both outputs; returns ``log(level, event, **fields)``. Raises OSError where it can't be written."""
    folder.mkdir(parents=True, exist_ok=True)
    terminal = _Terminal()
    outputs = _Outputs(_File(folder / FILE, settings, terminal.say), terminal)
    root = logging.getLogger()
    root.handlers = [Foreign(outputs)]
    root.setLevel(settings.level)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # its INFO lines repeat ours
    logging.getLogger("uvicorn.access").disabled = True  # the gateway's own line says more, and less
    structlog.configure(
        processors=[structlog.processors.add_log_level, *_TREATMENT, outputs],
        wrapper_class=structlog.make_filtering_bound_logger(settings.level),
        cache_logger_on_first_use=True,
    )
    logger = structlog.get_logger()
    methods = {name: getattr(logger, name) for name in ("debug", "info", "warning", "error")}

    def log(level: str, event: str, **fields: Any) -> None:
        methods[level](event, **{key: value for key, value in fields.items() if value is not None})

    return log


class _Outputs:
    """Where lines go: structlog's last processor."""

    def __init__(self, file: _File, terminal: _Terminal) -> None:
        self._file = file
        self._terminal = terminal

    def __call__(self, logger: Any, name: str, event: Event) -> NoReturn:
        """What structlog calls; it has no logger to hand the line to."""
        self.write(logger, name, event, _NUMBERS[event["level"]])
        raise structlog.DropEvent

    def write(self, logger: Any, name: str, event: Event, level: int) -> None:
        """One line to the file and, where its ``level`` asks for it, to the terminal."""
        self._file.write(orjson.dumps(event) + b"\n")
        if level >= self._terminal.level:
            self._terminal.write(logger, name, event)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _File:
    """The rotating file. A line is handed to the system as a whole; what can't be written is counted and said."""

    def __init__(self, path: Path, settings: Logging, complain: Callable[[str], None]) -> None:
        self._say = complain
        self._open = partial(logging.handlers.RotatingFileHandler, path, backupCount=settings.backups, encoding="utf-8")
        self._max_bytes = settings.max_bytes
        # Other libraries' lines come from any thread, and from the collector in the middle of this one.
        self._lock = threading.RLock()
        self._changing = self._closed = self._torn = False
        self._lost = 0
        self._complained = float("-inf")
        self._handler = self._open()
        self._begin()

    def _begin(self) -> None:
        assert self._handler.stream is not None
        self._descriptor = self._handler.stream.fileno()
        self._size = os.fstat(self._descriptor).st_size

    def write(self, line: bytes) -> None:
        with self._lock:
            try:
                self._write(line)
            except (OSError, ValueError) as error:  # a disk that is full is no reason not to answer
                self._complain(error)

    def _write(self, line: bytes) -> None:
        if self._changing or self._closed:
            raise OSError("the file is being changed")
        if self._descriptor < 0:
            self._change(lambda: setattr(self, "_handler", self._open()))
        elif self._size and self._size + len(line) > self._max_bytes:
            self._change(self._handler.doRollover)
        whole = b"\n" + line if self._torn else line
        written = os.write(self._descriptor, whole)
        self._size += written
        self._torn = written < len(whole)
        if self._torn:
            raise OSError("the disk is full")

    def _change(self, change: Callable[[], None]) -> None:
        """Go on in another file. Until that is there nothing is written: the old one's number may be another's soon."""
        self._changing, self._descriptor = True, -1
        try:
            change()
            self._begin()
        finally:
            self._changing = False

    def close(self) -> None:
        with self._lock:
            self._closed, self._descriptor = True, -1
            self._handler.close()

    def _complain(self, error: Exception) -> None:
        self._lost += 1
        now = time.monotonic()
        if now >= self._complained + COMPLAINT_SECONDS and not self._closed:
            self._complained = now
            self._say(f"The log can't be written ({error}); lines lost so far: {self._lost}.")


class _Terminal:
    """Whoever sits at a terminal sees each request; where output is collected, the file already has them all."""

    def __init__(self) -> None:
        attended = sys.stderr.isatty()
        self.level = logging.INFO if attended else logging.WARNING
        self._stream = sys.stderr
        self._render = structlog.dev.ConsoleRenderer(colors=attended)

    def write(self, logger: Any, name: str, event: Event) -> None:
        self.say(self._render(logger, name, event))

    def say(self, line: str) -> None:
        with suppress(OSError, ValueError):  # nobody reads it there, and who waits for an answer is not to blame
            self._stream.write(f"{line}\n")
            self._stream.flush()


class Foreign(logging.Handler):
    """Takes the lines of other libraries' loggers (uvicorn's, asyncio's, LiteLLM's)."""

    def __init__(self, outputs: _Outputs) -> None:
        super().__init__()
        self._outputs = outputs

    def emit(self, record: logging.LogRecord) -> None:
        """Called by ``logging``."""
        try:
            event: Event = {"event": redact.one_line(record.getMessage(), 500), "level": record.levelname}
            if record.exc_info and record.exc_info[0] is not None:
                # A foreign traceback can quote what a caller sent; its kind is enough to look for.
                event["error"] = record.exc_info[0].__name__
            name = record.levelname.lower()
            for treat in _TREATMENT:
                event = treat(None, name, event)
            quiet = record.levelno < logging.WARNING and record.name.startswith("uvicorn")
            self._outputs.write(None, name, event, logging.NOTSET if quiet else record.levelno)
        except Exception:  # as every handler does
            self.handleError(record)

    def close(self) -> None:
        """Called by ``logging`` at the process's end."""
        self._outputs.close()
        super().close()


def _capitals(_: Any, __: str, event: Event) -> Event:
    event["level"] = event["level"].upper()
    return event


_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _time(logger: Any, name: str, event: Event) -> Event:
    return _stamp(logger, name, event)


def _redact(_: Any, __: str, event: Event) -> Event:
    """Keys, server addresses, e-mail addresses and phone numbers never get into a line."""
    for key, value in event.items():
        if key == "request_id" and OWN_ID.fullmatch(value):
            event[key] = redact.without_keys(value)
        elif key not in PLAIN_FIELDS:
            event[key] = _clean(value)
    return event


def _clean(value: Any) -> Any:
    """``value`` as JSON can carry it, redacted to its leaves."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, float) or (isinstance(value, int) and value.bit_length() < 64):
        return value
    if isinstance(value, Mapping):
        return {_text(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(item) for item in value]
    return _text(str(value))


def _text(text: str) -> str:
    if len(text) > SHORT:
        return redact.one_line(text, LONGEST)
    return _known(text, redact.revision())


@lru_cache(2048)
def _known(text: str, revision: int) -> str:
    """``revision`` is that of what is to be taken out: what was cleaned before counts for nothing after."""
    del revision
    return redact.one_line(text, LONGEST)


_TREATMENT = (_capitals, _time, _redact)
