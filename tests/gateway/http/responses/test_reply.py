from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses import Response

from gateway.contract import RateLimited, Unavailable
from gateway.http.responses.reply import ECHOED, Reply, usage

REQUEST: dict[str, Any] = {
    "instructions": "Be brief.",
    "max_output_tokens": 5,
    "metadata": {"a": "b"},
    "parallel_tool_calls": False,
    "reasoning": {"effort": "low", "summary": "auto"},
    "service_tier": "flex",
    "temperature": 0.0,
    "text": {"format": {"type": "json_object"}, "verbosity": "low"},
    "tool_choice": {"type": "function", "name": "f"},
    "tools": [{"type": "function", "name": "f", "strict": True}],
    "top_p": 0.5,
    "user": "u",
}
CHAT = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


@pytest.mark.parametrize("request_", [{}, REQUEST], ids=["least", "most"])
@pytest.mark.parametrize("status", ["in_progress", "completed", "incomplete"])
def test_it_is_what_openai_s_client_expects(request_: dict[str, Any], status: str) -> None:
    reply = Reply(request_, "default")
    reply.note({"model": "m1", "usage": CHAT})
    reason = "content_filter" if status == "incomplete" else None
    made = Response.model_validate(reply.body(status, [], reason=reason), strict=True)
    assert (made.model, made.status, made.object) == ("m1", status, "response")
    assert (made.usage is None) == (status == "in_progress")
    assert (made.completed_at is None) == (status != "completed")
    assert (made.incomplete_details and made.incomplete_details.reason) == reason


def test_it_tells_back_what_was_asked() -> None:
    body = Reply(REQUEST, "default").body("completed", [])
    for name in set(REQUEST) & {*ECHOED, "metadata", "reasoning", "service_tier", "text"}:
        assert body[name] == REQUEST[name]
    assert body["tools"] == [{**REQUEST["tools"][0], "description": None, "parameters": None}]
    assert body["store"] is False


def test_it_tells_openai_s_defaults_where_nothing_was_asked() -> None:
    body = Reply({"tools": None, "text": None, "metadata": None, "tool_choice": None}, "default").body("completed", [])
    assert (body["tools"], body["metadata"], body["tool_choice"]) == ([], {}, "auto")
    assert body["text"] == {"format": {"type": "text"}, "verbosity": "medium"}
    assert (body["parallel_tool_calls"], body["truncation"], body["temperature"]) == (True, "disabled", None)


def test_its_id_and_time_stay() -> None:
    reply = Reply({}, "default")
    first, last = reply.body("in_progress", []), reply.body("completed", [])
    assert (first["id"], first["created_at"]) == (last["id"], last["created_at"])
    assert first["id"].startswith("resp_")


@pytest.mark.parametrize(
    ("error", "code"), [(Unavailable("broke off"), "server_error"), (RateLimited("x"), "rate_limit_exceeded")]
)
def test_one_that_failed_says_why(error: Any, code: str) -> None:
    made = Response.model_validate(Reply({}, "default").failed(error, []), strict=True)
    assert made.status == "failed"
    assert made.error is not None
    assert (made.error.code, made.error.message) == (code, error.message)


def test_a_chat_s_usage_in_a_response_s_words() -> None:
    chat = {
        **CHAT,
        "prompt_tokens_details": {"cached_tokens": 2, "cache_creation_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }
    assert usage(chat) == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 1},
        "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 7,
    }
    assert usage({"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": None})["total_tokens"] == 7
