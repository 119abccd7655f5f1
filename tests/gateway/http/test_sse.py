from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.contract import GatewayError, Unavailable
from gateway.http import sse
from tests.support.asgi import Sent
from tests.support.sse import events


async def source(steps: tuple[bytes | Exception, ...]) -> AsyncIterator[bytes]:
    for step in steps:
        if isinstance(step, Exception):
            raise step
        yield step


async def stream(*steps: bytes) -> Sent:
    sent = Sent()
    await sse.stream(sent, source(steps), lambda: {"X-Ivy-Model": "m"})
    return sent


async def broken(*steps: bytes | Exception) -> Sent:
    """What was sent before the last step, an error, came out again."""
    sent = Sent()
    with pytest.raises((GatewayError, RuntimeError)) as caught:
        await sse.stream(sent, source(steps), dict)
    assert caught.value is steps[-1]
    return sent


A, B = sse.event({"n": 1}), sse.event({"n": 2}, "done")


def test_an_event_is_data_with_or_without_a_name() -> None:
    assert A == b'data: {"n":1}\n\n'
    assert B == b'event: done\ndata: {"n":2}\n\n'
    assert sse.event(b"[DONE]") == b"data: [DONE]\n\n"


def test_data_stays_on_its_line() -> None:
    assert sse.event({"text": "a\nb\r\n\n"}).count(b"\n") == 2


async def test_events_are_sent_as_they_come() -> None:
    sent = await stream(A, B)
    assert [m.get("body") for m in sent.messages[1:]] == [A, B, b""]
    assert (sent.status, sent.ended) == (200, True)
    assert sent.headers["content-type"].startswith("text/event-stream")
    assert sent.headers["cache-control"] == "no-cache"
    assert sent.headers["x-ivy-model"] == "m"


async def test_an_error_before_the_first_event_leaves_the_reply_to_others() -> None:
    assert (await broken(Unavailable("down"))).messages == []


async def test_an_error_after_it_is_an_event_and_the_end() -> None:
    sent = await broken(A, Unavailable("broke off", code="stream_broken"))
    last = events(sent.body.decode())[-1]
    assert (last.name, last.json["error"]["code"], sent.ended) == ("error", "stream_broken", True)


async def test_an_unexpected_error_is_an_event_that_tells_nothing() -> None:
    sent = await broken(A, RuntimeError("what the caller sent"))
    last = events(sent.body.decode())[-1]
    assert (last.name, last.json["error"]["code"], sent.ended) == ("error", "internal_error", True)
    assert b"what the caller sent" not in sent.body


async def test_no_events_are_an_empty_stream() -> None:
    sent = await stream()
    assert (sent.status, sent.body, sent.ended) == (200, b"", True)


@pytest.mark.parametrize("error", [Unavailable("broke off", code="stream_broken"), RuntimeError("secret")])
async def test_a_format_has_its_own_manner_of_ending(error: Exception) -> None:
    sent = Sent()
    with pytest.raises(type(error)):
        await sse.stream(
            sent, source((b"[1", error)), dict, failed=lambda known: f",{known.code}]".encode(), content_type="text/x"
        )
    code = getattr(error, "code", "internal_error")
    assert (sent.headers["content-type"], sent.body, sent.ended) == ("text/x", f"[1,{code}]".encode(), True)
