"""What a provider's wire format must offer the lean lane, and what both formats share."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

import litellm
import orjson

from gateway import redact
from gateway.contract import Call
from gateway.lanes.progress import Progress
from gateway.lanes.transport import Request
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind

Json = dict[str, Any]
FETCHED = ("http://", "https://", "www.")
MEDIA_ADVICE = "this model takes images and files as data: URLs only"


class StreamReader(Protocol):
    """Reads one stream's events, in order; keeps what later events need of earlier ones."""

    progress: Progress

    def read(self, data: Json) -> list[Json]:
        """The ``chat.completion.chunk`` objects an event holds; raises Failure for an error event."""

    def end(self) -> list[Json]:
        """What is still to be said where the stream has ended well."""


class Gatherer(Protocol):
    """Puts one stream's events together to the reply that the provider would have given without streaming."""

    progress: Progress

    def add(self, data: Json) -> bool:
        """Whether the event says something: a role alone, or white space, does not. Raises Failure for an error."""

    def reply(self) -> Json:
        """What has come, in the provider's own format."""


class Wire(Protocol):
    """Translation between OpenAI's chat format and a provider's; no I/O."""

    def request(self, deployment: Deployment, call: Call) -> Request:
        """The provider's request; raises Failure where this provider can't carry the call."""

    def whole(self, deployment: Deployment, call: Call, data: Json) -> Json:
        """A reply that was not streamed, as one chunk; raises Failure where it isn't whole."""

    def stream(self, deployment: Deployment, call: Call) -> StreamReader:
        """A reader for one streamed reply."""

    def gather(self, call: Call) -> Gatherer:
        """A gatherer of one streamed reply."""


def copy(value: Any) -> Any:
    """A deep copy of JSON data: LiteLLM's translation changes what it is given."""
    return orjson.loads(orjson.dumps(value))


def chat_params(deployment: Deployment, call: Call, supported: frozenset[str], *, drop: bool) -> Json:
    """The call's parameters with the deployment's defaults, less what it does not support.

    Raises Failure(UNSUPPORTED) for one it does not support, unless such are to be dropped.
    """
    params = {**deployment.defaults, **call.params}
    params.pop("messages", None)
    foreign = [name for name in params if name not in supported]
    if foreign and not drop:
        message = f"{deployment.group} does not support the parameter {foreign[0]!r}"
        raise Failure(Kind.UNSUPPORTED, message, param=foreign[0], code="unsupported_parameter")
    return {name: value for name, value in params.items() if name in supported and value is not None}


def untranslatable(deployment: Deployment, error: Exception) -> Failure:
    """What it means that LiteLLM can't translate a request; another provider may still take it. Where LiteLLM foresaw
    it, in its words."""
    foreseen = isinstance(error, (litellm.UnsupportedParamsError, litellm.BadRequestError))
    text = str(error) if foreseen else f"{deployment.group} can't carry this request: {type(error).__name__}"
    return Failure(Kind.UNSUPPORTED, redact.provider_message(text))


def head(deployment: Deployment, data: Mapping[str, Any]) -> Json:
    """What every chunk begins with; the model is the configured name of who answered."""
    return {
        "id": data.get("id") or f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion.chunk",
        "created": int(data.get("created") or time.time()),
        "model": deployment.group,
    }


def check_finished(choices: list[Json]) -> None:
    """A whole reply's choices must say why they ended; raises Failure(CUT) or Failure(EMPTY)."""
    if not choices:
        raise Failure(Kind.EMPTY, "the reply has no choices")
    if not all(choice.get("finish_reason") for choice in choices):
        raise Failure(Kind.CUT, "the reply has no finish reason")


def message_as_delta(choice: Json) -> Json:
    """A whole reply's choice in a chunk's terms: ``message`` becomes ``delta``, tool calls get their index."""
    choice = dict(choice)
    delta = dict(choice.pop("message"))
    calls = delta.get("tool_calls")
    if calls:
        delta["tool_calls"] = [{**call, "index": index} for index, call in enumerate(calls)]
    choice["delta"] = delta
    return choice


def check_shape(chunk: Json) -> None:
    """Whether it is a chunk in OpenAI's sense, whatever the provider made of it; raises Failure(GARBAGE)."""
    usage, choices = chunk.get("usage"), chunk["choices"]
    whole = isinstance(usage, dict | None) and isinstance(choices, list) and all(map(_is_choice, choices))
    if not whole:
        raise Failure(Kind.GARBAGE, "the reply has an unknown shape")


def _is_choice(choice: Any) -> bool:
    if not isinstance(choice, dict) or not isinstance(choice.get("finish_reason"), str | None):
        return False
    delta, logprobs = choice.get("delta") or {}, choice.get("logprobs") or {}
    return (
        isinstance(choice.get("index", 0), int)
        and isinstance(delta, dict)
        and all(isinstance(delta.get(name), str | None) for name in ("content", "refusal"))
        and isinstance(delta.get("tool_calls"), list | None)
        and all(map(_is_tool_call, delta.get("tool_calls") or ()))
        and _is_function(delta.get("function_call"))
        and isinstance(logprobs, dict)
        and all(isinstance(value, list | None) for value in logprobs.values())
    )


def _is_tool_call(call: Any) -> bool:
    return isinstance(call, dict) and isinstance(call.get("index", 0), int) and _is_function(call.get("function"))


def _is_function(function: Any) -> bool:
    return function is None or (isinstance(function, dict) and isinstance(function.get("arguments"), str | None))


#: Fields that LiteLLM leaves empty where OpenAI leaves them out.
EMPTY_FIELDS = ("images", "thinking_blocks", "annotations", "audio", "function_call", "tool_calls", "reasoning_content")


def clean_choice(choice: Json) -> Json:
    """A chunk's choice, as LiteLLM dumps it, with the fields of OpenAI's schema and those that are filled."""
    delta = {key: value for key, value in choice["delta"].items() if key != "provider_specific_fields"}
    for key in EMPTY_FIELDS:
        if not delta.get(key):
            delta.pop(key, None)
    if delta.get("role", "") is None:
        del delta["role"]
    for call in delta.get("tool_calls") or ():
        if call.get("type", "") is None:
            del call["type"]
    return {
        "index": choice.get("index", 0),
        "delta": delta,
        "logprobs": choice.get("logprobs"),
        "finish_reason": choice.get("finish_reason"),
    }


def check_media(messages: list[Json]) -> None:
    """Raises Failure(UNSUPPORTED) for an image or file given by its address, for a provider that takes none:
    LiteLLM would fetch it, and the gateway fetches nothing that a caller names."""
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if any(not address.startswith("data:") for address in _addresses(part)):
                raise Failure(Kind.UNSUPPORTED, MEDIA_ADVICE, param="messages")


def _addresses(part: Json) -> list[str]:
    """All of them: a file may have its data and, for LiteLLM to prefer, an id."""
    image, file = part.get("image_url"), part.get("file")
    named = [image.get("url") if isinstance(image, dict) else image]
    if isinstance(file, dict):
        named += [file.get("file_data"), file.get("file_id")]
    return [str(address) for address in named if address]


def check_files(messages: list[Json]) -> None:
    """Raises Failure(UNSUPPORTED) for a file whose id is an address: LiteLLM would fetch it, for any provider."""
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            file = part.get("file")
            if isinstance(file, dict) and str(file.get("file_id")).lower().startswith(FETCHED):
                text = "this model takes files by id or as data: URLs, not by address"
                raise Failure(Kind.UNSUPPORTED, text, param="messages")
