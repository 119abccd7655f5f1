from __future__ import annotations

import pytest

from gateway.contract import GatewayError, InvalidRequest, RateLimited, Unauthorized, Unavailable
from gateway.http.reply import error_headers, send_error, send_json, start
from tests.support.asgi import Sent


async def test_json_is_sent_whole_with_its_length() -> None:
    sent = Sent()
    await send_json(sent, {"a": "é"}, headers={"X-Ivy-Model": "m"})
    assert (sent.status, sent.json, sent.ended) == (200, {"a": "é"}, True)
    assert sent.headers == {
        "content-type": "application/json",
        "content-length": str(len(sent.body)),
        "x-ivy-model": "m",
    }


async def test_an_error_has_openai_s_shape() -> None:
    sent = Sent()
    await send_error(sent, InvalidRequest("mend it", param="n"))
    assert sent.status == 400
    expected = {"message": "mend it", "type": "invalid_request_error", "param": "n", "code": "invalid_value"}
    assert sent.json == {"error": expected}


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (RateLimited("slow down", retry_after=7), "7"),
        (RateLimited("slow down", retry_after=6.01), "7"),
        (RateLimited("slow down"), "1"),
        (Unavailable("down", retry_after=0.2), "1"),
        (Unavailable("down", retry_after=0), "1"),
        (Unavailable("down"), "1"),
        (InvalidRequest("mend it"), None),
    ],
)
def test_every_429_and_503_says_when_to_come_back_in_whole_seconds(error: GatewayError, wait: str | None) -> None:
    assert error_headers(error).get("Retry-After") == wait


def test_an_error_keeps_its_own_headers() -> None:
    error = Unauthorized("no", headers={"WWW-Authenticate": "Bearer"})
    assert error_headers(error) == {"WWW-Authenticate": "Bearer"}


def test_a_header_that_is_not_latin_does_not_break_the_reply() -> None:
    message = start(200, "application/json", [("X-Ivy-Model", "模型")])
    assert message["headers"][0] == (b"x-ivy-model", b"??")
