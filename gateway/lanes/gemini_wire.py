"""Gemini's generateContent format (Google AI Studio), through LiteLLM's translation, without its network."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import litellm
import orjson
from litellm.llms.gemini.chat.transformation import GoogleAIStudioGeminiConfig
from litellm.llms.vertex_ai.common_utils import get_supports_system_message
from litellm.llms.vertex_ai.gemini import transformation

from gateway.contract import Call
from gateway.lanes import gemini_plain
from gateway.lanes.gemini_gather import GeminiGatherer
from gateway.lanes.gemini_stream import GeminiStream, Silent, clean, finish, openai_usage, raise_error, usage
from gateway.lanes.progress import Progress
from gateway.lanes.transport import Request
from gateway.lanes.wire import (
    Json,
    chat_params,
    check_finished,
    check_media,
    copy,
    head,
    message_as_delta,
    untranslatable,
)
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind

#: Bytes of a ``response_format`` whose translation is kept: callers send them, of any length.
LONGEST_KEPT = 16_384
#: Beside what LiteLLM lists: the last two are what callers of Anthropic's and Gemini's own API send.
OWN_PARAMS = frozenset({"stream_options", "top_k", "safety_settings"})
DEFAULT_BASE = "https://generativelanguage.googleapis.com/v1beta"


class GeminiWire:
    """The key goes in a header, never in the address, where logs and redirects would carry it."""

    def __init__(self, *, drop_params: bool) -> None:
        self._drop = drop_params
        # LiteLLM looks this up in its map for every request, which takes as long as all the rest of its translation.
        transformation.get_supports_system_message = lru_cache(256)(_takes_system_messages)
        self._config = GoogleAIStudioGeminiConfig()
        self._known_format = lru_cache(64)(self._translated_format)
        self._supported: dict[str, frozenset[str]] = {}

    def request(self, deployment: Deployment, call: Call) -> Request:
        """``POST {api_base}/models/{model}:generateContent`` or ``:streamGenerateContent?alt=sse``."""
        messages = copy(call.params["messages"])
        check_media(messages)
        _fold_developers(messages)
        params = copy(chat_params(deployment, call, self._params(deployment.model), drop=self._drop))
        params.pop("stream_options", None)
        if params.get("service_tier") == "auto":  # LiteLLM would make it Gemini's dearer "priority"
            del params["service_tier"]
        method = "streamGenerateContent?alt=sse" if call.stream else "generateContent"
        return Request(
            url=f"{(deployment.api_base or DEFAULT_BASE).rstrip('/')}/models/{deployment.model}:{method}",
            headers={"Content-Type": "application/json", **_key(deployment)},
            body=orjson.dumps(self._body(deployment, messages, params)),
        )

    def whole(self, deployment: Deployment, call: Call, data: Json) -> Json:
        """One chunk of all candidates; without a usage where Gemini tells none."""
        raise_error(data)
        counted = bool(data.setdefault("usageMetadata", {}))
        candidates = data.get("candidates") or []
        if not candidates and "blockReason" not in data.get("promptFeedback", {}):
            raise Failure(Kind.EMPTY, "the reply has no candidates")
        if not all(map(finish, candidates)):
            raise Failure(Kind.CUT, "the reply has no finish reason")
        chunk = self._read(deployment, data)
        if not counted:
            del chunk["usage"]
        return _as_function(chunk) if _legacy(call) else chunk

    def _read(self, deployment: Deployment, data: Json) -> Json:
        said = gemini_plain.said(data)
        if said is not None:
            return head(deployment, {"id": data.get("responseId")}) | {
                "choices": [one.as_choice(first=True) for one in said],
                "usage": usage(data),
            }
        reply = self._config.transform_google_generate_content_to_openai_model_response(
            data, litellm.ModelResponse(), deployment.model, Silent, Silent
        ).model_dump(warnings=False)
        check_finished(reply["choices"])
        choices = [clean(message_as_delta(choice)) for choice in reply["choices"]]
        return head(deployment, reply) | {"choices": choices, "usage": openai_usage(reply["usage"])}

    def stream(self, deployment: Deployment, call: Call) -> GeminiStream:
        """A reader for one stream."""
        made = _LegacyStream if _legacy(call) else GeminiStream
        return made(deployment, Progress.of(call))

    def gather(self, call: Call) -> GeminiGatherer:
        """A gatherer of one stream."""
        return GeminiGatherer(Progress.of(call))

    def _params(self, model: str) -> frozenset[str]:
        if model not in self._supported:
            self._supported[model] = frozenset(self._config.get_supported_openai_params(model)) | OWN_PARAMS
        return self._supported[model]

    def _body(self, deployment: Deployment, messages: list[Json], params: Json) -> Any:
        """LiteLLM's translation; what it can't translate, another provider may still take."""
        try:
            asked, safety = params.pop("response_format", None), params.pop("safety_settings", None)
            optional = self._config.map_openai_params(params, {}, deployment.model, True)
            if asked is not None:
                optional |= self._response_format(deployment.model, orjson.dumps(asked))
            if safety is not None:
                optional["safety_settings"] = safety
            return _translated(deployment, messages, optional)
        except Exception as error:
            raise untranslatable(deployment, error) from error

    def _response_format(self, model: str, asked: bytes) -> Any:
        """A ``response_format`` in Gemini's parameters. The same schema comes with every modal, and to translate it
        takes LiteLLM longer than all the rest of the request; a long one is a caller's own, and is not kept."""
        translate = self._known_format if len(asked) <= LONGEST_KEPT else self._translated_format
        return orjson.loads(translate(model, asked))

    def _translated_format(self, model: str, asked: bytes) -> bytes:
        """The same, as JSON."""
        translated = self._config.map_openai_params({"response_format": orjson.loads(asked)}, {}, model, True)
        return orjson.dumps(translated)


def _translated(deployment: Deployment, messages: list[Json], optional: Json) -> Any:
    """LiteLLM's request; of a conversation of plain texts it is given the beginning only."""
    place = next((at for at, message in enumerate(messages) if message.get("role") != "system"), len(messages))
    contents = gemini_plain.contents(messages[place:])
    if contents is None:
        return _litellms(deployment, messages, optional)
    body = _litellms(deployment, messages[: place + 1], dict(optional))
    if body["contents"] != [{"role": "user", "parts": [{"text": messages[place]["content"]}]}]:
        return _litellms(deployment, messages, optional)  # it has added to the texts
    body["contents"] = contents
    return body


def _litellms(deployment: Deployment, messages: list[Json], optional: Json) -> Any:
    return transformation.transform_request_body(
        messages=messages,
        model=deployment.model,
        optional_params=optional,
        custom_llm_provider="gemini",
        litellm_params={},
        cached_content=None,
    )


def _takes_system_messages(model: str, custom_llm_provider: str | None) -> bool:
    """LiteLLM's map tells it, and loses models that are retired: those would get their instructions as the user's
    words. All of Gemini's own models take them since 1.5; Gemma's, which Google serves as well, don't."""
    known = not litellm.model_cost.keys().isdisjoint((model, f"gemini/{model}"))
    if model.startswith("gemini-") and not known:
        return True
    return bool(get_supports_system_message(model=model, custom_llm_provider=custom_llm_provider))


class _LegacyStream(GeminiStream):
    """For callers that know ``functions`` only."""

    def read(self, data: Json) -> list[Json]:
        """The same, with a call of a function where there is one of a tool."""
        return [_as_function(chunk) for chunk in super().read(data)]


def _legacy(call: Call) -> bool:
    """Whether the caller speaks of functions, as OpenAI did before it had tools."""
    return bool(call.params.get("functions")) and not call.params.get("tools")


def _as_function(chunk: Json) -> Json:
    """The chunk with the first call of each choice as its function's, which is all that the older form holds."""
    for choice in chunk["choices"]:
        calls = choice["delta"].pop("tool_calls", None)
        if calls:
            choice["delta"]["function_call"] = calls[0]["function"]
        if choice["finish_reason"] == "tool_calls":
            choice["finish_reason"] = "function_call"
    return chunk


def _key(deployment: Deployment) -> dict[str, str]:
    return {"x-goog-api-key": deployment.api_key} if deployment.api_key else {}


def _fold_developers(messages: list[Json]) -> None:
    """OpenAI's later name for the system role, which only OpenAI knows."""
    for message in messages:
        if message.get("role") == "developer":
            message["role"] = "system"
