"""OpenAI's chat format, spoken by OpenAI and by whatever is compatible with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import litellm
import orjson

from gateway.contract import Call, Surface
from gateway.lanes.dialects import mend
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
    untranslatable,
)
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind

DEFAULT_BASE = "https://api.openai.com/v1"
#: Roles that any server knows.
TALKING = frozenset({"system", "user", "assistant"})
FOREIGN_FIELDS = frozenset({"reasoning", "reasoning_content"})


class OpenAIWire:
    """The reply is passed on as it came, but for the model's name; LiteLLM's classes shape the request."""

    def __init__(self, *, drop_params: bool, text_only: bool = False) -> None:
        self._drop = drop_params
        self._text_only = text_only
        self._configs: dict[str, _Config] = {}

    def request(self, deployment: Deployment, call: Call) -> Request:
        """``POST {api_base}/chat/completions``."""
        config = self._config(deployment.model)
        messages = [_native(message, config) for message in copy(call.params["messages"])]
        check_files(messages)
        if self._text_only:
            _check_demonstrable(call, messages)
        params = copy(chat_params(deployment, call, config.supported, drop=self._drop))
        if call.stream:
            # Usage is always asked for, since the gateway accounts for it; whoever didn't ask isn't shown it.
            params |= {"stream": True, "stream_options": {"include_usage": True}}
        else:
            params.pop("stream_options", None)
        routing = {"custom_llm_provider": "openai", "api_base": deployment.api_base}
        try:
            optional = config.litellm.map_openai_params(params, {}, deployment.model, True)
            body = _translated(config.litellm, deployment.model, messages, optional, routing)
        except Exception as error:
            raise untranslatable(deployment, error) from error
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
        choices = data.get("choices") or []
        for choice in choices:
            mend(choice, choice["message"])
        check_finished(choices)
        chunk = head(deployment, data) | {key: data[key] for key in PASSED_ON if data.get(key) is not None}
        chunk["choices"] = [message_as_delta(choice) for choice in choices]
        return chunk

    def stream(self, deployment: Deployment, call: Call) -> OpenAIStream:
        """A reader for one stream."""
        return OpenAIStream(deployment, Progress.of(call))

    def gather(self, call: Call) -> OpenAIGatherer:
        """A gatherer of one stream."""
        return OpenAIGatherer(Progress.of(call))

    def _config(self, model: str) -> _Config:
        if model not in self._configs:
            self._configs[model] = _Config.of(model)
        return self._configs[model]


@dataclass(frozen=True, slots=True)
class _Config:
    """LiteLLM's translation for a model, and whether it is one of OpenAI's own. These know the role ``developer``,
    which few other servers do, and refuse ``FOREIGN_FIELDS``, which another server may want back: DeepSeek's does,
    between two calls of tools."""

    litellm: Any
    supported: frozenset[str]
    openais: bool

    @classmethod
    def of(cls, model: str) -> _Config:
        provider = litellm.types.utils.LlmProviders.OPENAI
        config = litellm.utils.ProviderConfigManager.get_provider_chat_config(model=model, provider=provider)
        supported = frozenset(config.get_supported_openai_params(model))
        return cls(config, supported, model in litellm.open_ai_chat_completion_models)


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


def _translated(config: Any, model: str, messages: list[Json], optional: Json, routing: Json) -> Any:
    """LiteLLM's request; of a conversation of plain texts it is shown the first of each role. What it leaves as it is
    of those, it leaves of all."""
    if all(map(_plain, messages)):
        firsts = list({message["role"]: message for message in reversed(messages)}.values())
        shown = [{**message} for message in firsts]
        body = config.transform_request(model, shown, dict(optional), routing, {})
        if body["messages"] == firsts:
            return {**body, "messages": messages}
    return config.transform_request(model, messages, optional, routing, {})


def _plain(message: Json) -> bool:
    return len(message) == 2 and type(message.get("content")) is str and "role" in message


def _native(message: Json, config: _Config) -> Json:
    """A message without what other providers' replies carry and clients send back: OpenAI refuses it, and some of
    its fields where they are null."""
    if _plain(message) and message["role"] in TALKING:
        return message
    if message.get("role") == "developer" and not config.openais:
        message["role"] = "system"
    for call in message.get("tool_calls") or ():
        for name in ("index", "provider_specific_fields"):
            call.pop(name, None)
    return {
        key: value
        for key, value in message.items()
        if (value is not None or key == "content") and not (config.openais and key in FOREIGN_FIELDS)
    }
