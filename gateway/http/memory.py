"""What is kept of a user's conversations: ``GET /ai/memory`` shows it, ``DELETE /ai/memory`` forgets it.

Both are for the user whom the identity headers name. Whoever sends the administrator's key may name another one with
``?user=`` and ``?org=``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from gateway.contract import Forbidden, Identity, InvalidRequest, Owner
from gateway.engine import Engine
from gateway.http.auth import name

QUERY = ("user", "org")


class MemoryRoutes:
    """``engine`` gives what is in force when the request comes."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine = engine

    async def __call__(self, request: Request) -> JSONResponse:
        """``/ai/memory``, whichever of its methods."""
        return await (self.forget if request.method == "DELETE" else self.show)(request)

    async def show(self, request: Request) -> JSONResponse:
        """``{"user", "org", "conversations": [{"id", "idle_seconds", "turns": [{"user", "assistant"}]}]}``, the last
        used first."""
        owner = _owner(request)
        kept = await self._engine().memory.kept(owner)
        conversations = [
            {
                "id": one.conversation,
                "idle_seconds": round(one.idle_seconds, 1),
                "turns": [{"user": turn.asked, "assistant": turn.answered} for turn in one.turns],
            }
            for one in kept
        ]
        return JSONResponse({**_named(owner), "conversations": conversations})

    async def forget(self, request: Request) -> JSONResponse:
        """``{"user", "org", "forgotten": n}``, of conversations; what is under way is not kept either."""
        owner = _owner(request)
        forgotten = await self._engine().memory.forget(owner)
        return JSONResponse({**_named(owner), "forgotten": forgotten})


def _owner(request: Request) -> Owner:
    """Whose memory is meant; raises GatewayError where nobody's, or somebody else's."""
    identity: Identity = request.scope["identity"]
    for key in request.query_params:
        if key not in QUERY:
            raise InvalidRequest(f"Unknown parameter: '{key}'.", param=key, code="unknown_parameter")
    if request.query_params:
        if not request.scope.get("administrator"):
            raise Forbidden("Only the administrator's key may name a user. Leave out 'user' and 'org'.", param="user")
        user, org = (name(key, request.query_params.get(key, "")) for key in QUERY)
        if user is None:
            raise InvalidRequest("Name the user with 'user'.", param="user", code="missing_required_parameter")
        return Owner(org or "", user)
    if identity.owner is None:
        message = "Nothing is kept for callers who name no user. Send the header X-User-ID."
        raise InvalidRequest(message, param="X-User-ID", code="missing_required_parameter")
    return identity.owner


def _named(owner: Owner) -> dict[str, Any]:
    return {"user": owner.user, "org": owner.org or None}
