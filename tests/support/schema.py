"""Bodies that are refused, and the parameters that LiteLLM would act on and no caller may send."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.contract import InvalidRequest
from gateway.http import schema

ATTACKS = [
    "api_base", "base_url", "api_key", "api_version", "extra_headers", "extra_body", "headers", "fallbacks",
    "context_window_fallbacks", "mock_response", "mock_tool_calls", "custom_llm_provider", "organization",
    "deployment_id", "timeout", "num_retries", "max_retries", "model_list", "aws_access_key_id", "proxy_server_request",
    "litellm_params", "litellm_metadata", "cache", "no-log", "guardrails", "tags", "Model", "MESSAGES", "stream ", "",
]  # fmt: skip


def refused(adapter: Any, body: dict[str, Any]) -> InvalidRequest:
    """How ``body`` is refused."""
    with pytest.raises(InvalidRequest) as caught:
        schema.check(adapter, body)
    assert caught.value.status == 400
    return caught.value
