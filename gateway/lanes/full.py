"""The LiteLLM lane: every provider and route that the lean lane does not carry, through the Router's methods.

LiteLLM hides the raw stream, so a cut stream can look finished here; what can be known is checked.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing
from typing import Any

import httpx
import litellm

from gateway import redact
from gateway.contract import Call, Chunk, Operation
from gateway.lanes.wire import (
    Json,
    check_files,
    check_finished,
    check_media,
    clean_choice,
    copy,
    message_as_delta,
)
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind, classify

#: Retries, fallbacks and cooldowns are the attempt loop's; tools need LiteLLM's MCP handler out of the way.
ALWAYS = {"num_retries": 0, "max_retries": 0, "disable_fallbacks": True, "no-log": True, "_skip_mcp_handler": True}
TOP_FIELDS = ("id", "created", "system_fingerprint", "service_tier", "usage")
#: LiteLLM reports a reply that it can't read as the caller's mistake; only its words tell.
UNREADABLE = ("Error converting to valid response block", "Unable to get json response")
#: Internal errors that LiteLLM raises for what a caller sent wrong, before any provider was called.
TRANSLATION_ERRORS = (TypeError, ValueError, KeyError, AttributeError, IndexError)
#: Providers that are sent the address of an image as it is; for others LiteLLM would fetch it.
FETCH_THEMSELVES = frozenset({"openai", "azure"})
KINDS: Mapping[Kind, Any] = {
    Kind.TOO_LONG: litellm.ContextWindowExceededError,
    Kind.REFUSED: litellm.ContentPolicyViolationError,
    Kind.UNSUPPORTED: litellm.UnsupportedParamsError,
}


class LiteLLMLane:
    """Calls one deployment of ``router`` by its id."""

    def __init__(self, router: Any) -> None:
        self._router = router

    async def attempt(self, deployment: Deployment, call: Call) -> AsyncGenerator[Chunk, None]:
        """See ``deployment.Lane``."""
        try:
            async with aclosing(self._chunks(deployment, call)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except (Failure, asyncio.CancelledError):
            raise
        except Exception as error:
            raise failure_of(error) from error

    async def _chunks(self, deployment: Deployment, call: Call) -> AsyncGenerator[Chunk, None]:
        if call.operation is Operation.EMBEDDING:
            yield Chunk(await self._embedding(deployment, call))
        elif call.stream:
            async with aclosing(self._streamed(deployment, call)) as chunks:
                async for chunk in chunks:
                    yield chunk
        else:
            reply = (await self._send(self._router.acompletion, deployment, call)).model_dump(warnings=False)
            check_finished(reply.get("choices") or [])
            yield Chunk(_chunk(deployment, reply, [message_as_delta(choice) for choice in reply["choices"]]))

    async def _streamed(self, deployment: Deployment, call: Call) -> AsyncGenerator[Chunk, None]:
        stream = await self._send(self._router.acompletion, deployment, call, stream_options={"include_usage": True})
        finished = False
        try:
            async for piece in stream:
                data = piece.model_dump(warnings=False)
                # What follows the finish reason is usage, which LiteLLM sends with an empty choice.
                choices = [] if finished else data.get("choices") or []
                finished = finished or any(choice.get("finish_reason") for choice in choices)
                yield Chunk(_chunk(deployment, data, choices))
        finally:
            close = getattr(stream, "aclose", None)
            if close:
                await close()
        if not finished:
            raise Failure(Kind.CUT, "the stream ended without a finish reason")

    async def _embedding(self, deployment: Deployment, call: Call) -> Json:
        reply: Json = (await self._send(self._router.aembedding, deployment, call)).model_dump(warnings=False)
        if not reply.get("data"):
            raise Failure(Kind.EMPTY, "the reply has no embeddings")
        kept = {key: reply[key] for key in ("object", "data", "usage") if key in reply}
        kept["usage"] = {key: kept.get("usage", {}).get(key) or 0 for key in ("prompt_tokens", "total_tokens")}
        return kept | {"model": deployment.group}

    async def _send(
        self, method: Callable[..., Awaitable[Any]], deployment: Deployment, call: Call, **more: Any
    ) -> Any:
        params = copy(dict(call.params)) | more
        check_files(params.get("messages", []))
        if deployment.provider not in FETCH_THEMSELVES:
            check_media(params.get("messages", []))
        if call.operation is Operation.CHAT:
            params["stream"] = call.stream
        return await method(model=deployment.id, **params, **ALWAYS)


def _chunk(deployment: Deployment, data: Json, choices: list[Json]) -> Json:
    kept = {key: data[key] for key in TOP_FIELDS if data.get(key) is not None}
    shaped = [clean_choice(choice) for choice in choices]
    return kept | {"object": "chat.completion.chunk", "model": deployment.group, "choices": shaped}


def failure_of(error: BaseException) -> Failure:
    """What really happened, from an exception of LiteLLM's: its outer class is not to be trusted.

    An internal error becomes ``APIConnectionError(500)`` there, so what caused it decides.
    """
    for cause in _causes(error):
        failure = _transport_failure(cause)
        if failure:
            return failure
    if any(mark in str(cause) for cause in _causes(error) for mark in UNREADABLE):
        return Failure(Kind.GARBAGE, "the reply is not JSON")
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        return Failure(Kind.INTERNAL, type(error).__name__)
    if isinstance(error, litellm.APIConnectionError):
        internal = any(isinstance(cause, TRANSLATION_ERRORS) for cause in _causes(error))
        return Failure(Kind.UNSUPPORTED if internal else Kind.CONNECT, type(error).__name__)
    for kind, classes in KINDS.items():
        if isinstance(error, classes):
            return _refused(kind, error, status)
    return _refused(classify(status, str(error), str(getattr(error, "code", ""))), error, status)


def _refused(kind: Kind, error: BaseException, status: int) -> Failure:
    message = str(getattr(error, "message", "")).split("Received Model Group=")[0]
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        retry_after: float | None = float(headers.get("retry-after", ""))
    except ValueError:
        retry_after = None
    return Failure(kind, redact.provider_message(message), status=status, retry_after=retry_after)


def _transport_failure(error: BaseException) -> Failure | None:
    name = type(error).__name__
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, ConnectionRefusedError)):
        return Failure(Kind.CONNECT, name)
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return Failure(Kind.SLOW, name)
    if isinstance(error, (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, ConnectionError, ssl.SSLError)):
        return Failure(Kind.RESET, name)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it was raised from, however LiteLLM wrapped it."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__
