"""The log: structlog, one JSON object a line into a rotating file, readable lines on a terminal."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import orjson
import structlog

from gateway import redact
from gateway.settings.schema import Logging

FILE = "ai_router.log"
#: Made here, of letters and digits only: there is nothing personal in them, and they stand in every line.
PLAIN_FIELDS = frozenset({"event", "level", "timestamp"})
#: Structlog's own, which its formatter takes out again.
NOT_WRITTEN = frozenset({"_record", "_from_structlog", "exc_info"})
Event = MutableMapping[str, Any]
Log = Callable[..., None]


def configure(settings: Logging, folder: Path) -> Log:
    """Set up both outputs; returns ``log(level, event, **fields)``. Raises OSError where it can't be written."""
    folder.mkdir(parents=True, exist_ok=True)
    file = logging.handlers.RotatingFileHandler(
        folder / FILE, maxBytes=settings.max_bytes, backupCount=settings.backups, encoding="utf-8"
    )
    # Whoever sits at a terminal sees each request; where output is collected, the file already has them all.
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.INFO if sys.stderr.isatty() else logging.WARNING)
    terminal.addFilter(lambda record: record.levelno >= logging.WARNING or not record.name.startswith("uvicorn"))
    before: list[Any] = [structlog.stdlib.add_log_level, _capitals, _time, _redact]
    _attach(file, structlog.processors.JSONRenderer(serializer=_json), before)
    _attach(terminal, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()), before)
    root = logging.getLogger()
    root.handlers = [file, terminal]
    root.setLevel(settings.level)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # its INFO lines repeat ours
    logging.getLogger("uvicorn.access").disabled = True  # the gateway's own line says more, and less
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logger = structlog.get_logger("gateway")
    levels = {name: getattr(logging, name.upper()) for name in ("debug", "info", "warning", "error")}

    def log(level: str, event: str, **fields: Any) -> None:
        logger.log(levels[level], event, **{key: value for key, value in fields.items() if value is not None})

    return log


def _attach(handler: logging.Handler, renderer: Any, before: list[Any]) -> None:
    """Lines of other libraries' loggers (uvicorn's) get the same treatment on the way in."""
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[*before, _no_traceback],
        )
    )


def _json(event: Any, **_: Any) -> str:
    return orjson.dumps(event).decode()


def _capitals(_: Any, __: str, event: Event) -> Event:
    event["level"] = str(event["level"]).upper()
    return event


_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _time(logger: Any, name: str, event: Event) -> Event:
    return _stamp(logger, name, event)


def _redact(_: Any, __: str, event: Event) -> Event:
    """Keys, server addresses, e-mail addresses and phone numbers never get into a line."""
    for key, value in event.items():
        if key not in PLAIN_FIELDS | NOT_WRITTEN:
            event[key] = _clean(value)
    return event


def _clean(value: Any) -> Any:
    """``value`` as JSON can carry it, redacted to its leaves."""
    if value is None or isinstance(value, float) or (isinstance(value, int) and value.bit_length() < 64):
        return value
    if isinstance(value, Mapping):
        return {_clean(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(item) for item in value]
    return redact.one_line(str(value), 2000)


def _no_traceback(_: Any, __: str, event: Event) -> Event:
    """A foreign traceback can quote what a caller sent; its kind is enough to look for."""
    info = event.pop("exc_info", None)
    if isinstance(info, tuple) and info[0] is not None:
        event["error"] = info[0].__name__
    event["event"] = redact.one_line(str(event.get("event", "")), 500)
    return event
