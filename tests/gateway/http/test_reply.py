from __future__ import annotations

import pytest

from gateway.contract import (
    GatewayError,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    Unauthorized,
    Unavailable,
)
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


ANTHROPIC = ["/v1/messages", "/v1/messages/count_tokens", "/v1/messages/no/such"]
GOOGLE = ["/v1beta", "/v1beta/models/m:generateContent", "/v1beta/x", "/v1/models/a/b:streamGenerateContent"]
OTHERS = ["", "/v1/messagesx", "/v1betax", "/v1/models/m", "/v1/chat/completions", "/v1/x:generateContent"]


@pytest.mark.parametrize("path", [*ANTHROPIC, *GOOGLE, *OTHERS])
async def test_an_error_has_what_the_clients_of_its_path_read_and_openai_s_words(path: str) -> None:
    sent = Sent()
    await send_error(sent, NotFound("nothing here", param="model"), path)
    assert sent.status == 404
    error = sent.json["error"]
    assert (error["message"], error["param"], error["code"]) == ("nothing here", "model", "not_found")
    assert (sent.json.get("type") == "error", error["type"] == "not_found_error") == (path in ANTHROPIC,) * 2
    assert (error.get("status") == "NOT_FOUND") is (path in GOOGLE)


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


async def test_all_of_an_error_is_sent_before_what_comes_before_its_end() -> None:
    sent, seen = Sent(), []

    async def before_end() -> None:
        seen.append(sent.body)
        assert not sent.ended

    await send_error(sent, PayloadTooLarge("too large"), before_end=before_end())
    assert sent.ended and seen == [sent.body] and sent.json["error"]["code"] == "payload_too_large"
    assert int(sent.headers["content-length"]) == len(sent.body)
