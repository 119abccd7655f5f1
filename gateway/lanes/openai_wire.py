"""OpenAI's chat format, spoken by OpenAI and by whatever is compatible with it."""

from __future__ import annotations

from typing import Any

import litellm
import orjson

from gateway.contract import Call, Surface
from gateway.lanes.openai_stream import PASSED_ON, OpenAIGatherer, OpenAIStream, error_in_reply
from gateway.lanes.progress import Progress
from gateway.lanes.transport import Request
from gateway.lanes.wire import (
    Json,
    chat_params,
    check_files,
    check_finished,
    copy,
    head,
    message_as_delta,
)
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind

DEFAULT_BASE = "https://api.openai.com/v1"
FOREIGN_FIELDS = frozenset({"reasoning", "reasoning_content"})


class OpenAIWire:
    """The reply is passed on as it came, but for the model's name; LiteLLM's classes shape the request."""

    def __init__(self, *, drop_params: bool, text_only: bool = False) -> None:
        self._drop = drop_params
        self._text_only = text_only
        self._configs: dict[str, tuple[Any, frozenset[str]]] = {}

    def request(self, deployment: Deployment, call: Call) -> Request:
        """``POST {api_base}/chat/completions``."""
        messages = [_native(message) for message in copy(call.params["messages"])]
        check_files(messages)
        if self._text_only:
            _check_demonstrable(call, messages)
        config, supported = self._config(deployment.model)
        params = copy(chat_params(deployment, call, supported, drop=self._drop))
        if call.stream:
            # Usage is always asked for, since the gateway accounts for it; whoever didn't ask isn't shown it.
            params |= {"stream": True, "stream_options": {"include_usage": True}}
        else:
            params.pop("stream_options", None)
        routing = {"custom_llm_provider": "openai", "api_base": deployment.api_base}
        try:
            optional = config.map_openai_params(params, {}, deployment.model, True)
            body = config.transform_request(deployment.model, messages, optional, routing, {})
        except Exception as error:  # what LiteLLM can't translate, another provider may still take
            message = f"{deployment.group} can't carry this request: {type(error).__name__}"
            raise Failure(Kind.UNSUPPORTED, message) from error
        return Request(
            url=f"{(deployment.api_base or DEFAULT_BASE).rstrip('/')}/chat/completions",
            headers={"Authorization": f"Bearer {deployment.api_key}", "Content-Type": "application/json"},
            body=orjson.dumps(body),
        )

    def whole(self, deployment: Deployment, call: Call, data: Json) -> Json:
        """One chunk of all choices."""
        del call
        if data.get("error"):
            raise error_in_reply(data["error"])
        check_finished(data.get("choices") or [])
        chunk = head(deployment, data) | {key: data[key] for key in PASSED_ON if data.get(key) is not None}
        chunk["choices"] = [message_as_delta(choice) for choice in data["choices"]]
        return chunk

    def stream(self, deployment: Deployment, call: Call) -> OpenAIStream:
        """A reader for one stream."""
        return OpenAIStream(deployment, Progress.of(call))

    def gather(self, call: Call) -> OpenAIGatherer:
        """A gatherer of one stream."""
        return OpenAIGatherer(Progress.of(call))

    def _config(self, model: str) -> tuple[Any, frozenset[str]]:
        if model not in self._configs:
            provider = litellm.types.utils.LlmProviders.OPENAI
            config = litellm.utils.ProviderConfigManager.get_provider_chat_config(model=model, provider=provider)
            self._configs[model] = config, frozenset(config.get_supported_openai_params(model))
        return self._configs[model]


def _check_demonstrable(call: Call, messages: list[Json]) -> None:
    """Raises Failure(UNSUPPORTED) for images, audio and files, which a small model answers with a fault, and for
    the assistant's structured output: tried four times, with a second try each, it took some 11 s a modal for nothing
    that could be used, and what was read of it held invented places and percentages."""
    if call.surface is Surface.IVY and call.params.get("response_format"):
        raise Failure(Kind.UNSUPPORTED, "the demonstration model does not fill in modals")
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if part.get("type") != "text":
                raise Failure(Kind.UNSUPPORTED, "the demonstration model takes text only", param="messages")


def _native(message: Json) -> Json:
    """A message without what other providers' replies carry and clients send back: OpenAI refuses it."""
    for call in message.get("tool_calls") or ():
        for name in ("index", "provider_specific_fields"):
            call.pop(name, None)
    return {key: value for key, value in message.items() if key not in FOREIGN_FIELDS}
