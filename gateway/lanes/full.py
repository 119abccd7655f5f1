"""The LiteLLM lane: every provider and route that the lean lane does not carry, through the Router's methods.

LiteLLM makes a finished reply of one that was cut, so that what the provider itself said is watched beside it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Any

import httpx
import litellm

from gateway import redact
from gateway.contract import Call, Chunk, Operation
from gateway.lanes import others
from gateway.lanes.client_guard import Exchange, ReplyTooLarge, install, watch
from gateway.lanes.provider_error import provider_failure
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
from gateway.upstream.failures import Failure, Kind

#: Retries, fallbacks and cooldowns are the attempt loop's; tools need LiteLLM's MCP handler out of the way.
ALWAYS = {"num_retries": 0, "max_retries": 0, "disable_fallbacks": True, "no-log": True, "_skip_mcp_handler": True}
TOP_FIELDS = ("id", "created", "system_fingerprint", "service_tier", "usage")
#: Providers that are sent the address of an image as it is; for others LiteLLM would fetch it.
FETCH_THEMSELVES = frozenset({"openai", "azure"})
#: What callers of Anthropic's and Gemini's own API send beside OpenAI's parameters, and the providers that know it.
OWN_PARAMS = {
    "top_k": frozenset({"anthropic", "gemini", "vertex_ai"}),
    "safety_settings": frozenset({"gemini", "vertex_ai"}),
}
#: What LiteLLM's translation raises where a caller's request has a shape that it does not expect.
TRANSLATION_ERRORS = (TypeError, ValueError, KeyError, AttributeError, IndexError)
NOT_CARRIED = "this model can't be sent this request"
TRANSPORT_KINDS: tuple[tuple[Any, Kind], ...] = (
    (ReplyTooLarge, Kind.GARBAGE),
    ((httpx.ConnectError, httpx.ConnectTimeout, ConnectionRefusedError), Kind.CONNECT),
    ((httpx.TimeoutException, TimeoutError), Kind.SLOW),
    ((httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, ConnectionError, ssl.SSLError), Kind.RESET),
)


class LiteLLMLane:
    """Calls one deployment of ``router`` by its id; its replies may have ``max_reply_bytes``."""

    name = "litellm"

    def __init__(self, router: Any, max_reply_bytes: int) -> None:
        install(max_reply_bytes)
        self._router = router

    def streams(self, deployment: Deployment, call: Call) -> bool:
        """See ``deployment.Lane``."""
        del deployment
        return call.stream

    async def attempt(self, deployment: Deployment, call: Call) -> AsyncGenerator[Chunk, None]:
        """See ``deployment.Lane``."""
        exchange = watch()
        try:
            async with aclosing(self._chunks(deployment, call, exchange)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except (Failure, asyncio.CancelledError):
            raise
        except Exception as error:
            raise failure_of(error, exchange) from error

    async def _chunks(self, deployment: Deployment, call: Call, exchange: Exchange) -> AsyncGenerator[Chunk, None]:
        if call.operation is not Operation.CHAT:
            method = others.method(self._router, call)
            answered = await method(model=deployment.id, **others.params(call), **ALWAYS)
            yield others.reply(deployment, call, answered)
        elif call.stream:
            async with aclosing(self._streamed(deployment, call, exchange)) as chunks:
                async for chunk in chunks:
                    yield chunk
        else:
            reply = (await self._send(self._router.acompletion, deployment, call)).model_dump(warnings=False)
            _check_raw(exchange, finished=True)
            check_finished(reply.get("choices") or [])
            yield Chunk(_chunk(deployment, reply, [message_as_delta(choice) for choice in reply["choices"]]))

    async def _streamed(self, deployment: Deployment, call: Call, exchange: Exchange) -> AsyncGenerator[Chunk, None]:
        stream = await self._send(self._router.acompletion, deployment, call, stream_options={"include_usage": True})
        finished = False
        try:
            async for piece in stream:
                data = piece.model_dump(warnings=False)
                # What follows the finish reason is usage, which LiteLLM sends with an empty choice.
                choices = [] if finished else data.get("choices") or []
                finished = finished or any(choice.get("finish_reason") for choice in choices)
                _check_raw(exchange, finished=finished)
                yield Chunk(_chunk(deployment, data, choices))
        finally:
            close = getattr(stream, "aclose", None)
            if close:
                await close()
        _check_raw(exchange, finished=True)
        if not finished:
            raise Failure(Kind.CUT, "the stream ended without a finish reason")

    async def _send(
        self, method: Callable[..., Awaitable[Any]], deployment: Deployment, call: Call, **more: Any
    ) -> Any:
        params = copy(dict(call.params)) | more
        check_files(params.get("messages", []))
        if deployment.provider not in FETCH_THEMSELVES:
            check_media(params.get("messages", []))
        for name, providers in OWN_PARAMS.items():
            if deployment.provider not in providers:
                params.pop(name, None)
        return await method(model=deployment.id, **params, stream=call.stream, **ALWAYS)


def _chunk(deployment: Deployment, data: Json, choices: list[Json]) -> Json:
    kept = {key: data[key] for key in TOP_FIELDS if data.get(key) is not None}
    shaped = [clean_choice(choice) for choice in choices]
    return kept | {"object": "chat.completion.chunk", "model": deployment.group, "choices": shaped}


def _check_raw(exchange: Exchange, *, finished: bool) -> None:
    """Raises Failure for what LiteLLM passes over; ``finished`` is what it makes of the reply so far. An error in
    the stream it raises by itself, behind what came before it."""
    raw = exchange.raw
    if raw is None or not (finished or raw.malformed):
        return
    failure = raw.failure()
    if failure is not None:
        raise failure
    if raw.cut:
        raise Failure(Kind.CUT, "the reply has no finish reason")


def failure_of(error: BaseException, exchange: Exchange) -> Failure:
    """What really happened. LiteLLM's exception classes are not to be trusted (an internal error becomes
    ``APIConnectionError(500)``), so that what went over the wire decides."""
    told = _told(exchange)
    if told is not None:
        return told
    name = type(error).__name__
    for cause in _causes(error):
        kind = _transport_kind(cause)
        if kind:
            return Failure(kind, type(cause).__name__)
    if exchange.status == 200:
        in_stream = getattr(error, "status_code", None) in (429, 503)
        return Failure(Kind.STREAM_ERROR if in_stream else Kind.GARBAGE, f"the reply can't be read ({name})")
    if exchange.sent:
        return Failure(Kind.CONNECT, name)
    # Nothing was sent: LiteLLM could not put the request into this provider's terms, or failed by itself.
    if not _foreseen(error) and not any(isinstance(cause, TRANSLATION_ERRORS) for cause in _causes(error)):
        return Failure(Kind.INTERNAL, name)
    message = redact.provider_message(str(getattr(error, "message", ""))) if _foreseen(error) else NOT_CARRIED
    return Failure(Kind.UNSUPPORTED, message)


def _told(exchange: Exchange) -> Failure | None:
    """What the provider itself said."""
    if exchange.status is not None and exchange.status != 200:
        return provider_failure(exchange.status, exchange.headers, exchange.error_body)
    return exchange.raw.failure() if exchange.raw else None


def _foreseen(error: BaseException) -> bool:
    """Whether LiteLLM says in words what is wrong with the request."""
    return isinstance(error, (litellm.UnsupportedParamsError, litellm.BadRequestError))


def _transport_kind(error: BaseException) -> Kind | None:
    return next((kind for classes, kind in TRANSPORT_KINDS if isinstance(error, classes)), None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it was raised from, however LiteLLM wrapped it."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__
