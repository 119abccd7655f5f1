from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import redact
from gateway.logs import FILE, Log, configure
from gateway.personal import PersonalData
from gateway.settings.schema import Logging
from tests.support.fakes import logging_put_back


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    with logging_put_back():
        yield


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    return shown


@pytest.fixture
def log(tmp_path: Path, terminal: io.StringIO) -> Log:
    return configure(Logging(), tmp_path)


def written(folder: Path) -> str:
    return (folder / FILE).read_text(encoding="utf-8")


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written(folder).splitlines()]


def test_each_line_is_a_json_object_with_its_level_in_capitals(log: Log, tmp_path: Path) -> None:
    for level in ("info", "warning", "error"):
        log(level, "request", request_id="req_1", status=429, ms=1.5, stream=False, absent=None)
    first = lines(tmp_path)[0]
    assert first.pop("timestamp").endswith("Z")
    expected = {"event": "request", "level": "INFO", "request_id": "req_1", "status": 429, "ms": 1.5, "stream": False}
    assert first == expected
    assert [line["level"] for line in lines(tmp_path)] == ["INFO", "WARNING", "ERROR"]


@pytest.mark.parametrize(("level", "count"), [("DEBUG", 4), ("INFO", 3), ("WARNING", 2), ("ERROR", 1)])
def test_only_lines_of_the_configured_level_are_written(tmp_path: Path, level: Any, count: int) -> None:
    log = configure(Logging(level=level), tmp_path)
    for name in ("debug", "info", "warning", "error"):
        log(name, "event")
    assert len(lines(tmp_path)) == count


SECRETS = {
    "ann@example.com": "ann",
    "+1 555 123 4567": "555 123",
    "sk-proj-AbCdEf0123456789": "AbCdEf",
    "Bearer AbCdEf0123456789": "AbCdEf",
    "https://api.example.com/v1?key=AbCdEf0123": "AbCdEf",
    "redis://user:hunter2@cache:6379": "hunter2",
    "https://user:hunter2@api.example.com/": "hunter2",
}


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("place", ["text", "list", "mapping", "key", "exception", "bytes", "foreign", "argument"])
def test_what_must_not_be_read_never_gets_into_a_line(log: Log, tmp_path: Path, secret: str, place: str) -> None:
    text = f"it said {secret} to us"
    fields: dict[str, Any] = {
        "text": text,
        "list": [1, [text]],
        "mapping": {"a": {"b": text}},
        "key": {text: 1},
        "exception": ValueError(text),
        "bytes": text.encode(),
    }
    if place in fields:
        log("error", "event", detail=fields[place])
    elif place == "foreign":
        logging.getLogger("uvicorn.error").error(text)
    else:
        logging.getLogger("asyncio").error("it failed: %s", text)
    assert len(lines(tmp_path)) == 1
    assert SECRETS[secret] not in written(tmp_path)


def test_a_foreign_traceback_is_reduced_to_its_kind(log: Log, tmp_path: Path, terminal: io.StringIO) -> None:
    try:
        raise ZeroDivisionError("what the caller sent")
    except ZeroDivisionError:
        logging.getLogger("uvicorn.error").exception("failed")
    (line,) = lines(tmp_path)
    assert (line["event"], line["level"], line["error"]) == ("failed", "ERROR", "ZeroDivisionError")
    assert "what the caller sent" not in written(tmp_path) + terminal.getvalue()


def test_uvicorn_s_own_access_line_is_off(log: Log, tmp_path: Path) -> None:
    logging.getLogger("uvicorn.access").error("GET /v1/models")
    assert written(tmp_path) == ""


@pytest.mark.parametrize("nasty", ["a\nb", 'a\r\n{"level":"ERROR"}', "a\x00b", "a\x1b[2Jb", "a\u2028b", 'a","b":"c'])
def test_what_a_caller_sends_can_neither_end_a_line_nor_steer_a_terminal(
    log: Log, tmp_path: Path, nasty: str, terminal: io.StringIO
) -> None:
    log("warning", "event", detail=nasty)
    logging.getLogger("uvicorn.error").warning("foreign %s", nasty)
    assert len(written(tmp_path).splitlines()) == 2
    assert "b" not in lines(tmp_path)[0]
    shown = terminal.getvalue()
    assert len(shown.splitlines()) == 2
    assert "\x1b" not in shown


@pytest.mark.parametrize("odd", ["lone \ud800 surrogate", {1: "a"}, {"a": {2}}, 2**70, object, float("nan"), "é☃"])
def test_no_value_keeps_a_line_from_being_written(log: Log, tmp_path: Path, odd: Any) -> None:
    log("info", "event", detail=odd)
    assert lines(tmp_path)[0]["event"] == "event"


UNTOUCHED = [
    "req_0123456789abcdef0123456789abcdef",
    "12345678-1234-4123-8123-123456789012",
    "2026-11-22T16:40:02.123456Z",
    "nothing came for 12.5 s",
    "gemini/gemini-2.0-flash#1",
]


@pytest.mark.parametrize("text", UNTOUCHED)
def test_ids_times_and_durations_stay_readable(log: Log, tmp_path: Path, text: str) -> None:
    log("info", "event", request_id=text, ms=1234567890.123, started=1763829602)
    (line,) = lines(tmp_path)
    assert (line["request_id"], line["ms"], line["started"]) == (text, 1234567890.123, 1763829602)


def test_the_file_is_rotated_and_old_ones_are_dropped(tmp_path: Path) -> None:
    log = configure(Logging(max_bytes=10_000, backups=2), tmp_path)
    for number in range(1000):
        log("info", "event", number=number)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [FILE, f"{FILE}.1", f"{FILE}.2"]
    assert all(path.stat().st_size <= 10_000 for path in tmp_path.iterdir())
    text = "".join((tmp_path / name).read_text() for name in reversed(names))
    kept = [json.loads(line)["number"] for line in text.splitlines()]
    assert kept == list(range(kept[0], 1000))


def test_a_terminal_hears_of_warnings_only(log: Log, terminal: io.StringIO) -> None:
    log("info", "quiet")
    log("warning", "loud")
    shown = terminal.getvalue()
    assert "loud" in shown and "quiet" not in shown


def test_the_folder_is_made(tmp_path: Path) -> None:
    configure(Logging(), tmp_path / "a" / "b")("info", "event")
    assert len(lines(tmp_path / "a" / "b")) == 1


def test_a_folder_that_can_t_be_written_is_an_error_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        configure(Logging(), tmp_path / "file")


def test_a_line_that_can_t_be_written_is_said_on_the_terminal_and_stops_nothing(
    log: Log, tmp_path: Path, terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, line: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("gateway.logs.os.write", full)
        for _ in range(3):
            log("info", "event")
    log("info", "after")
    assert terminal.getvalue().count("No space left on device") == 1  # once a minute
    assert [line["event"] for line in lines(tmp_path)] == ["after"]


def test_what_is_cleaned_once_is_cleaned_anew_when_there_is_more_to_take_out(log: Log, tmp_path: Path) -> None:
    log("info", "event", detail="ticket ABC-77")
    redact.configure(PersonalData({"ticket": "ABC-[0-9]+"}))
    try:
        log("info", "event", detail="ticket ABC-77")
    finally:
        redact.configure(PersonalData({}))
    assert [line["detail"] for line in lines(tmp_path)] == ["ticket ABC-77", "ticket [ticket]"]


def test_where_the_file_can_t_be_changed_nothing_is_written_into_another_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A closed file's number is the next connection's."""
    log = configure(Logging(max_bytes=10_000, backups=1), tmp_path)
    failed: list[str] = []
    written_to: list[int] = []

    def fail(self: Any) -> None:
        self.stream.close()
        failed.append("rollover")
        raise OSError("can't be renamed")

    def write(descriptor: int, line: bytes) -> int:
        written_to.append(descriptor)
        return len(line)

    with monkeypatch.context() as patch:
        patch.setattr("logging.handlers.RotatingFileHandler.doRollover", fail)
        while not failed:
            log("info", "event")
        patch.setattr("gateway.logs.os.write", write)
        patch.setattr("logging.handlers.RotatingFileHandler.__init__", fail_to_open)
        log("info", "lost")
    assert written_to == []
    log("info", "after")
    assert lines(tmp_path)[-1]["event"] == "after"


def fail_to_open(*_: object, **__: object) -> None:
    raise OSError("can't be opened")


def test_a_torn_line_costs_no_other(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr("gateway.logs.os.write", lambda fd, line: real(fd, line[:10]))
        log("info", "torn")
    log("info", "whole")
    assert json.loads(written(tmp_path).splitlines()[-1])["event"] == "whole"


def test_a_terminal_that_is_gone_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stderr", Gone())
    log = configure(Logging(), tmp_path)
    log("error", "event")
    assert [line["event"] for line in lines(tmp_path)] == ["event"]


def test_a_line_of_any_level_is_written_without_its_secrets(log: Log, tmp_path: Path, terminal: io.StringIO) -> None:
    logging.getLogger("other").log(35, "key sk-abcdefghijklmnop")
    assert lines(tmp_path)[0]["event"] == "key [key]"
    assert "abcdefgh" not in terminal.getvalue()


def test_a_line_in_the_middle_of_a_line_does_not_hang(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collector can end what complains of it at any time."""
    real = os.write
    again = [True]

    def collecting(descriptor: int, line: bytes) -> int:
        if again.pop() if again else False:
            logging.getLogger("asyncio").error("Task exception was never retrieved")
        return real(descriptor, line)

    monkeypatch.setattr("gateway.logs.os.write", collecting)
    log("info", "event")
    assert len(lines(tmp_path)) == 2


def test_an_id_that_is_a_key_is_taken_out(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "fedcba98765432100123456789abcdef"
    monkeypatch.setattr(redact, "_configured", set())
    redact.hide([key])
    log("info", "event", request_id=f"req_{key}")
    assert lines(tmp_path)[0]["request_id"] == "req_[key]"
