"""What is no chat, by the Router's methods, for providers that have it in other words than OpenAI's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.contract import Call, Chunk, Operation, Upload
from gateway.lanes.wire import Json, copy
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind

#: The Router's method, and the field without which a reply is none.
METHODS: Final[Mapping[Operation, tuple[str, str]]] = {
    Operation.EMBEDDING: ("aembedding", "data"),
    Operation.MODERATION: ("amoderation", "results"),
    Operation.IMAGE_GENERATION: ("aimage_generation", "data"),
    Operation.IMAGE_EDIT: ("aimage_edit", "data"),
    Operation.SPEECH: ("aspeech", "content"),
    Operation.TRANSCRIPTION: ("atranscription", "text"),
}
#: Formats of a transcription that are text, not JSON.
TEXTS = frozenset({"text", "srt", "vtt"})


def method(router: Any, call: Call) -> Any:
    """Who carries it; raises Failure(UNSUPPORTED) where LiteLLM has nobody."""
    found = METHODS.get(call.operation)
    if found is None or (call.stream and call.operation is not Operation.SPEECH):
        how = "streamed " if found else ""
        raise Failure(Kind.UNSUPPORTED, f"this model's provider has no {how}{call.operation.value.replace('_', ' ')}")
    return getattr(router, found[0])


def params(call: Call) -> Json:
    """The parameters as LiteLLM wants them, who changes them."""
    files = {name: value for name, value in call.params.items() if _holds_upload(value)}
    plain: Json = copy({name: value for name, value in call.params.items() if name not in files})
    return plain | {name: _files(value) for name, value in files.items()}


def reply(deployment: Deployment, call: Call, answered: Any) -> Chunk:
    """What was answered; raises Failure for what is no answer."""
    if call.operation is Operation.SPEECH:
        return _speech(answered)
    body: Json = answered.model_dump(warnings=False)
    needed = METHODS[call.operation][1]
    if not body.get(needed):
        raise Failure(Kind.EMPTY, f"the reply has no {needed!r}")
    if call.operation is Operation.EMBEDDING:
        return Chunk(_embeddings(deployment, body))
    if call.operation is Operation.TRANSCRIPTION and call.params.get("response_format") in TEXTS:
        return Chunk({"bytes": body["text"].encode(), "content_type": "text/plain; charset=utf-8"})
    kept = {name: value for name, value in body.items() if value is not None and not name.startswith("_")}
    return Chunk({"body": kept | ({"model": deployment.group} if "model" in kept else {})})


def _speech(answered: Any) -> Chunk:
    content = answered.content
    if not content:
        raise Failure(Kind.EMPTY, "the reply holds no sound")
    headers = getattr(getattr(answered, "response", None), "headers", {})
    return Chunk({"bytes": bytes(content), "content_type": headers.get("content-type") or "application/octet-stream"})


def _embeddings(deployment: Deployment, body: Json) -> Json:
    kept = {key: body[key] for key in ("object", "data", "usage") if key in body}
    kept["usage"] = {key: (kept.get("usage") or {}).get(key) or 0 for key in ("prompt_tokens", "total_tokens")}
    return kept | {"model": deployment.group}


def _holds_upload(value: Any) -> bool:
    return isinstance(value, Upload) or (isinstance(value, list) and any(isinstance(item, Upload) for item in value))


def _files(value: Any) -> Any:
    return [tuple(item) for item in value] if isinstance(value, list) else tuple(value)
