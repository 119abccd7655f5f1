"""Who calls: the key, where one is configured, and the identity headers."""

from __future__ import annotations

import hmac
import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.contract import Forbidden, Identity, InvalidRequest, Unauthorized

OPEN_PATHS = frozenset({"/health/live"})
#: More than any origin has; what is kept of callers' headers must be short.
LONGEST_ADDRESS = 300
NAME = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,255}")


class Authenticate:
    """ASGI middleware, before the body is read. Sets ``scope["identity"]`` and ``scope["administrator"]``.

    Without a configured key only callers on this machine are served, however the server was started.
    """

    def __init__(self, app: ASGIApp, master_key: str | None) -> None:
        self._app = app
        self._key = master_key.encode() if master_key else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            headers = Headers(scope=scope)
            self._check(scope, headers)
            scope["identity"] = identity(headers, _address(scope))
            scope["administrator"] = self._key is not None  # there is one key so far, and it is the administrator's
        await self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        if self._key is None:
            _check_local(scope, headers)
            return
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            message = "No API key was sent. Send it in the header 'Authorization: Bearer KEY'."
            raise Unauthorized(message, headers={"WWW-Authenticate": "Bearer"})
        if not hmac.compare_digest(token.strip().encode("utf-8", "surrogateescape"), self._key):
            raise Unauthorized("The API key is not valid here.", headers={"WWW-Authenticate": "Bearer"})


def _check_local(scope: Scope, headers: Headers) -> None:
    """Raises Forbidden for a call from another machine and, since no key keeps them out, from web pages: of another
    origin, or of a name that was made to resolve to this machine (DNS rebinding)."""
    names = {
        "the address that was called": (scope.get("server") or ("",))[0],
        "the Host header": _host(f"//{headers.get('host', '127.0.0.1')}"),
        "the Origin header": _host(headers.get("origin", "//127.0.0.1")),
    }
    for what, name in names.items():
        if not _loopback(name):
            message = f"No key is configured, so only this machine is served, and {what} is not this machine's."
            raise Forbidden(f"{message} Set GATEWAY_MASTER_KEY to serve others.")


def _host(address: str) -> str:
    """The host of an address, or a word that is none."""
    return _short_host(address) if len(address) <= LONGEST_ADDRESS else "?"


@lru_cache(1024)
def _short_host(address: str) -> str:
    try:
        return urlsplit(address).hostname or "?"
    except ValueError:
        return "?"


def identity(headers: Headers, address: str) -> Identity:
    """The identity headers, checked; raises InvalidRequest naming the one that is wrong."""
    org, organization, user, conversation = (
        name(header, headers.get(header, ""))
        for header in ("X-Org-ID", "X-Organization-ID", "X-User-ID", "X-Conversation-ID")
    )
    return Identity(address, user, org or organization, conversation)


def name(field: str, value: str) -> str | None:
    """A user's, an organisation's or a conversation's name; None where it is empty. Raises InvalidRequest naming
    the field that it came in."""
    value = value.strip()
    if not value:
        return None
    if not NAME.fullmatch(value):
        raise InvalidRequest(f"{field} must be 1 to 256 printable ASCII characters.", param=field)
    return value


def _address(scope: Scope) -> str:
    """The peer's address. Forwarding headers are not believed: anyone can send them."""
    client = scope.get("client")
    return client[0] if client else "unix"


@lru_cache(1024)
def _loopback(host: str | None) -> bool:
    """Whether it is this machine's; a Unix socket's path is, since only who is here can open it."""
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host in (None, "", "localhost") or host.startswith("/") or host.endswith(".localhost")
