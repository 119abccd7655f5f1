"""What a provider keeps for its callers: files, batches, stored responses. All of it is with one of OpenAI's
deployments, the first that can be called: an id means nothing to any other."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from gateway.contract import (
    DEFAULT_MODEL,
    GatewayError,
    InvalidRequest,
    NotFound,
    RateLimited,
    Unavailable,
    UpstreamRejected,
)
from gateway.lanes.catalog import Plan
from gateway.lanes.form import encode, holds_files
from gateway.lanes.native import DEFAULT_BASE
from gateway.lanes.transport import Request, Transport
from gateway.settings.schema import Timeouts
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.verdict import CALLERS, LONGEST_WAIT, rejected
from gateway.waiting import until

Json = dict[str, Any]
#: The largest file that OpenAI takes; none that it makes is larger.
LARGEST_FILE: Final = 512 * 1024 * 1024
#: About the id or the state of what is kept, not about a model.
ABOUT_KEPT: Final = frozenset({404, 409})
OURS: Final = frozenset({Kind.BAD_KEY, Kind.MODEL_GONE, Kind.FORBIDDEN})


class Kept:
    """Asks for it. The provider's errors are told as GatewayErrors; only its JSON objects and files come back."""

    def __init__(self, plan: Plan, transport: Transport, timeouts: Timeouts) -> None:
        self._plan = plan
        self._transport = transport
        self._timeouts = timeouts
        self._deployment = next((d for d in plan.deployments if d.native and d.unusable is None), None)

    async def json(
        self, method: str, path: str, query: Iterable[tuple[str, str]] = (), params: Mapping[str, Any] | None = None
    ) -> Json:
        """The reply to ``method`` on ``path`` (``files/file-1``). ``params`` are sent as JSON, as a form where they
        hold a file. Raises GatewayError."""
        request = self._request(method, path, query, params)
        deadline = asyncio.get_running_loop().time() + self._timeouts.request_seconds.v1
        try:
            body = await until(deadline, self._json(request))
        except TimeoutError:
            raise _told(Failure(Kind.SLOW)) from None
        except Failure as failure:
            raise _told(failure) from failure
        return self._named(body)

    async def content(self, path: str) -> AsyncGenerator[bytes, None]:
        """A file's bytes as they come. Raises GatewayError; before the first of them, if it can't be had."""
        request = self._request("GET", path, (), None)
        size, seconds = 0, self._timeouts.attempt_seconds.v1
        try:
            async with asyncio.timeout(seconds) as timer, self._transport.post(request) as response:
                async for received in response.content.iter_any():
                    size += len(received)
                    if size > LARGEST_FILE:
                        raise Failure(Kind.GARBAGE, f"the file is over {LARGEST_FILE} bytes")
                    timer.reschedule(None)  # the caller may take its time
                    yield received
                    seconds = self._timeouts.between_tokens_seconds
                    timer.reschedule(asyncio.get_running_loop().time() + seconds)
        except TimeoutError:
            raise _told(Failure(Kind.STALLED)) from None
        except Failure as failure:
            raise _told(failure) from failure

    def model(self, name: str) -> str:
        """The provider's name for a model of ours, where it is one that this provider has; raises InvalidRequest."""
        wanted = self._plan.primary if name == DEFAULT_MODEL else name
        own = self._own()
        alike = {d.group: d.model for d in self._plan.deployments if _same_account(d, own)}
        if wanted not in alike:
            names = ", ".join(alike)
            message = f"The model {name[:256]!r} is not one of OpenAI's here; these are: {names}."
            raise InvalidRequest(message, code="model_not_found", param="model")
        return alike[wanted]

    async def _json(self, request: Request) -> Json:
        async with self._transport.post(request) as response:
            return await self._transport.json(response)

    def _request(
        self, method: str, path: str, query: Iterable[tuple[str, str]], params: Mapping[str, Any] | None
    ) -> Request:
        own = self._own()
        headers = {"Authorization": f"Bearer {own.api_key}"}
        body, kind = b"", ""
        if params is not None:
            body, kind = encode(params) if holds_files(params) else (orjson.dumps(params), "application/json")
            headers["Content-Type"] = kind
        asked = urlencode(list(query))
        url = f"{(own.api_base or DEFAULT_BASE).rstrip('/')}/{path}" + (f"?{asked}" if asked else "")
        return Request(url=url, headers=headers, body=body, method=method)

    def _own(self) -> Deployment:
        if self._deployment is None:
            message = (
                "Files, batches and stored responses are kept by OpenAI, and 'model_list' in litellm.yaml has no model "
                "of OpenAI's whose key is set; add one ('model: openai/...')."
            )
            raise NotFound(message, code="no_openai_model")
        return self._deployment

    def _named(self, body: Json) -> Json:
        """``body`` with our name for its model, where it is one of ours."""
        names = {d.model: d.group for d in reversed(self._plan.deployments) if _same_account(d, self._own())}
        model = body.get("model")
        return {**body, "model": names[model]} if isinstance(model, str) and model in names else body


def _same_account(deployment: Deployment, own: Deployment) -> bool:
    return deployment.native and (deployment.api_base, deployment.api_key) == (own.api_base, own.api_key)


def _told(failure: Failure) -> GatewayError:
    """What the caller is told of a failure."""
    if failure.status in ABOUT_KEPT and failure.message:
        code = failure.code or ("not_found" if failure.status == 404 else "conflict")
        return UpstreamRejected(failure.message, status=failure.status or 404, code=code, param=failure.param)
    if failure.kind in CALLERS:
        return rejected(failure)
    wait = math.ceil(min(max(1.0, failure.retry_after or 1.0), LONGEST_WAIT))
    if failure.kind is Kind.RATE_LIMITED:
        return RateLimited(f"The provider is over its rate limit. Try again in {wait} s.", retry_after=wait)
    if failure.kind in OURS:
        message = f"The gateway's configuration keeps OpenAI from answering ({failure.kind}). Tell its operator."
        return Unavailable(message, code="provider_misconfigured", retry_after=LONGEST_WAIT)
    return Unavailable(f"OpenAI did not answer ({failure.kind}). Try again in {wait} s.", retry_after=wait)
