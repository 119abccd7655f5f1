"""litellm, quiet and without side doors."""

from __future__ import annotations

import logging
import sys
import warnings
from typing import Any

import litellm
from litellm.llms.custom_httpx.async_client_cleanup import close_litellm_async_clients

SILENCED = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "httpx", "openai")


def configure(*, drop_params: bool) -> Any:
    """Set litellm up, and return it. Its own loggers would write prompts; ours log the call."""
    litellm.disable_hf_tokenizer_download = True
    litellm.expose_router_debug_in_errors = False
    litellm.drop_params = drop_params
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.num_retries = 0
    litellm.utils.json_data = None  # Anthropic's tokenizer, parsed: 14 MB that nothing reads after the import
    _share(litellm.model_cost)
    litellm.REPEATED_STREAMING_CHUNK_LIMIT = sys.maxsize  # an answer may repeat itself
    # pydantic quotes in these what LiteLLM's types did not expect, which is what a caller or a provider wrote.
    warnings.filterwarnings("ignore", message="Pydantic serializer warnings")
    for name in SILENCED:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
        logger.setLevel(logging.CRITICAL)
    return litellm


def _share(costs: dict[str, dict[str, Any]]) -> None:
    """Let equal texts and numbers of LiteLLM's price map be one object each: 2 MB less."""
    known: dict[Any, Any] = {}
    for entry in costs.values():
        for key, value in entry.items():
            if isinstance(value, str | float):
                entry[key] = known.setdefault((type(value), value), value)


async def close_clients() -> None:
    """Close the connections that LiteLLM keeps to providers."""
    await close_litellm_async_clients()
    litellm.in_memory_llm_clients_cache.flush_cache()


def clear_callbacks() -> None:
    """The Router adds callbacks that cost time on each call and that nothing here reads."""
    for name in (
        "callbacks",
        "success_callback",
        "failure_callback",
        "_async_success_callback",
        "_async_failure_callback",
    ):
        getattr(litellm, name).clear()
    litellm.input_callback.clear()
