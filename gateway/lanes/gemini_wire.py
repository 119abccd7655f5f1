"""Gemini's generateContent format (Google AI Studio), through LiteLLM's translation, without its network."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import litellm
import orjson
from litellm.llms.gemini.chat.transformation import GoogleAIStudioGeminiConfig
from litellm.llms.vertex_ai.gemini.transformation import transform_request_body
from litellm.llms.vertex_ai.gemini.vertex_and_google_ai_studio_gemini import (
    ModelResponseIterator,
)

from gateway import redact
from gateway.contract import NOTHING, Call
from gateway.lanes.transport import Request
from gateway.lanes.wire import (
    Json,
    chat_params,
    check_finished,
    check_media,
    clean_choice,
    copy,
    head,
    message_as_delta,
    parse,
)
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind, classify
from gateway.upstream.finishes import Finishes

DEFAULT_BASE = "https://generativelanguage.googleapis.com/v1beta"


class _Silent:
    """What LiteLLM's parsers ask of their logging object and of the raw reply: nothing of substance."""

    optional_params: Mapping[str, Any] = NOTHING
    headers: Mapping[str, str] = NOTHING


class GeminiWire:
    """The key goes in a header, never in the address, where logs and redirects would carry it."""

    def __init__(self, *, drop_params: bool) -> None:
        self._drop = drop_params
        self._config = GoogleAIStudioGeminiConfig()
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
        """One chunk of all candidates."""
        del call
        _raise_error(data)
        data.setdefault("usageMetadata", {})
        candidates = data.get("candidates") or []
        if not candidates and "blockReason" not in data.get("promptFeedback", {}):
            raise Failure(Kind.EMPTY, "the reply has no candidates")
        if not all(candidate.get("finishReason") for candidate in candidates):
            raise Failure(Kind.CUT, "the reply has no finish reason")
        reply = self._config.transform_google_generate_content_to_openai_model_response(
            data, litellm.ModelResponse(), deployment.model, _Silent, _Silent
        ).model_dump(warnings=False)
        check_finished(reply["choices"])
        choices = [_clean(message_as_delta(choice)) for choice in reply["choices"]]
        return head(deployment, reply) | {"choices": choices, "usage": _usage(reply["usage"])}

    def stream(self, deployment: Deployment, call: Call) -> GeminiStream:
        """A reader for one stream."""
        return GeminiStream(deployment, Finishes.of(call))

    def _params(self, model: str) -> frozenset[str]:
        if model not in self._supported:
            self._supported[model] = frozenset(self._config.get_supported_openai_params(model)) | {"stream_options"}
        return self._supported[model]

    def _body(self, deployment: Deployment, messages: list[Json], params: Json) -> Any:
        """LiteLLM's translation; what it can't translate, another provider may still take."""
        try:
            optional = self._config.map_openai_params(params, {}, deployment.model, True)
            return transform_request_body(
                messages=messages,
                model=deployment.model,
                optional_params=optional,
                custom_llm_provider="gemini",
                litellm_params={},
                cached_content=None,
            )
        except Exception as error:
            message = redact.provider_message(f"{deployment.group} can't carry this request: {type(error).__name__}")
            raise Failure(Kind.UNSUPPORTED, message) from error


class GeminiStream:
    """Chunks in OpenAI's shape: one id for all, the role first, usage last and once."""

    def __init__(self, deployment: Deployment, finishes: Finishes) -> None:
        self._deployment = deployment
        self._parser = ModelResponseIterator(streaming_response=None, sync_stream=False, logging_obj=_Silent)
        self._head: Json | None = None
        self._roles: set[int] = set()
        self._finishes = finishes
        self._usage: Json | None = None

    @property
    def finished(self) -> bool:
        """Whether every candidate gave its finish reason."""
        return self._finishes.whole

    def read(self, event: bytes) -> list[Json]:
        """The chunk of an event and, with the finish reason, the usage. The raw event tells what is finished:
        LiteLLM's parser writes a finish reason on chunks that had none."""
        data = parse(event)
        _raise_error(data)
        ended = {c.get("index", 0) for c in data.get("candidates") or [] if c.get("finishReason")}
        blocked = "blockReason" in (data.get("promptFeedback") or {})
        parsed = self._parser.chunk_parser(data).model_dump(warnings=False)
        self._head = self._head or head(self._deployment, parsed)
        choices = [self._choice(choice, ended, blocked=blocked) for choice in parsed["choices"]]
        self._finishes.note(choices)
        if parsed.get("usage"):
            self._usage = _usage(parsed["usage"])
        return [self._head | {"choices": choices}] * bool(choices) + (self.end() if self._finishes.over else [])

    def end(self) -> list[Json]:
        """The usage, which Gemini counts up with each event, if it was not said yet."""
        if self._head is None or self._usage is None:
            return []
        usage, self._usage = self._usage, None
        return [self._head | {"choices": [], "usage": usage}]

    def _choice(self, choice: Json, ended: set[int], *, blocked: bool) -> Json:
        choice = _clean(choice)
        index = choice["index"]
        if index not in self._roles:
            self._roles.add(index)
            choice["delta"] = {"role": "assistant", **choice["delta"]}
        if index not in ended and not blocked:
            choice["finish_reason"] = None
        return choice


def _clean(choice: Json) -> Json:
    """A choice in OpenAI's schema; Gemini leaves it to LiteLLM to name its tool calls."""
    choice = clean_choice(choice)
    for call in choice["delta"].get("tool_calls") or ():
        call.setdefault("type", "function")
        call["id"] = call.get("id") or f"call_{uuid.uuid4().hex}"
    return choice


def _usage(usage: Json) -> Json:
    """OpenAI's usage fields only."""
    kept = {key: usage.get(key) or 0 for key in ("prompt_tokens", "completion_tokens", "total_tokens")}
    for key in ("prompt_tokens_details", "completion_tokens_details"):
        details = {name: value for name, value in (usage.get(key) or {}).items() if value is not None}
        if details:
            kept[key] = details
    return kept


def _raise_error(data: Json) -> None:
    error = data.get("error")
    if error is None:
        return
    status = error.get("code") if isinstance(error, dict) else None
    if isinstance(status, int) and 400 <= status < 500:
        raise Failure(classify(status), "an error came in place of the reply", status=status)
    raise Failure(Kind.STREAM_ERROR, "an error came in place of the reply")


def _key(deployment: Deployment) -> dict[str, str]:
    return {"x-goog-api-key": deployment.api_key} if deployment.api_key else {}


def _fold_developers(messages: list[Json]) -> None:
    """OpenAI's later name for the system role, which only OpenAI knows."""
    for message in messages:
        if message.get("role") == "developer":
            message["role"] = "system"
