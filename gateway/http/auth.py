"""Who calls: the administrator's key or a virtual one, where any is configured, and the identity headers."""

from __future__ import annotations

import hmac
import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.contract import Forbidden, Identity, InvalidRequest, Unauthorized
from gateway.keys import NOBODY, Keys, digest, expired
from gateway.settings.keys import Key

OPEN_PATHS = frozenset({"/health/live"})
#: Where Anthropic's and Google's clients send their key.
OWN_HEADERS = {"/v1/messages": "x-api-key", "/v1beta/": "x-goog-api-key", "/v1/models": "x-goog-api-key"}
#: More than any origin has; what is kept of callers' headers must be short.
LONGEST_ADDRESS = 300
NAME = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,255}")


class Authenticate:
    """ASGI middleware, before the body is read. Sets ``scope["identity"]``, ``scope["key"]`` (the virtual key, or None)
    and ``scope["administrator"]``.

    Without a configured key only callers on this machine are served, however the server was started.
    """

    def __init__(self, app: ASGIApp, master_key: str | None, keys: Keys | None = None) -> None:
        self._app = app
        self._keys = keys
        self._master = digest(master_key.encode()) if master_key else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            headers = Headers(scope=scope)
            key = self._check(scope, headers)
            scope["identity"] = identity(headers, _address(scope), key)
            scope["key"] = key
            if key is not None:
                scope["log"] = {"key": key.name}
        await self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> Key | None:
        """The virtual key that was presented; None for the administrator's, and where none is configured."""
        scope["administrator"] = False
        if self._keys is not None:
            self._keys.look()
        if self._master is None and (self._keys is None or not self._keys.required):
            _check_local(scope, headers)
            return None
        presented = _presented(scope["path"], headers)
        # A key that is missing is looked up like one that is wrong, so that the two take the same time.
        found = digest(presented)
        key = self._keys.find(found) if self._keys is not None else None
        master = hmac.compare_digest(found, self._master or NOBODY)
        if not presented:
            raise _unauthorized(_missing(scope))
        if master:
            scope["administrator"] = True
            return None
        if key is None:
            raise _unauthorized("The API key is not valid here.")
        if expired(key):
            raise _unauthorized("The API key has expired.")
        return key


def _unauthorized(message: str) -> Unauthorized:
    """One answer for whatever is wrong with a key, but for its words."""
    return Unauthorized(message, headers={"WWW-Authenticate": "Bearer"})


def _presented(path: str, headers: Headers) -> bytes:
    """The key that was sent, empty where there is none. Where a client of another provider sends its key in a header
    of its own, that is taken too, on its own paths only."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    if not token:
        own = next((header for prefix, header in OWN_HEADERS.items() if path.startswith(prefix)), None)
        token = headers.get(own, "").strip() if own else ""
    return token.encode("utf-8", "surrogateescape")


def _missing(scope: Scope) -> str:
    own = next((header for prefix, header in OWN_HEADERS.items() if scope["path"].startswith(prefix)), None)
    where = "'Authorization: Bearer KEY'" + (f" or '{own}: KEY'" if own else "")
    message = f"No API key was sent. Send it in the header {where}."
    if any(part.startswith(b"key=") for part in scope.get("query_string", b"").split(b"&")):
        message += " A key in the address is not taken: addresses are logged on their way."
    return message


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
            raise Forbidden(f"{message} Set GATEWAY_MASTER_KEY, or make a key with 'make key', to serve others.")


def _host(address: str) -> str:
    """The host of an address, or a word that is none."""
    return _short_host(address) if len(address) <= LONGEST_ADDRESS else "?"


@lru_cache(1024)
def _short_host(address: str) -> str:
    try:
        return urlsplit(address).hostname or "?"
    except ValueError:
        return "?"


def identity(headers: Headers, address: str, key: Key | None = None) -> Identity:
    """The identity headers, checked; raises InvalidRequest naming the one that is wrong. What ``key`` is bound to wins:
    a bound user has the key's organisation, whatever the headers say, or it would be anybody's of that name."""
    org, organization, user, conversation = (
        name(header, headers.get(header, ""))
        for header in ("X-Org-ID", "X-Organization-ID", "X-User-ID", "X-Conversation-ID")
    )
    org = org or organization
    if key is None:
        return Identity(address, user, org, conversation)
    if key.user is not None:
        return Identity(address, key.user, key.org, conversation, key.name)
    return Identity(address, user, key.org or org, conversation, key.name)


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
