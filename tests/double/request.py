"""Reads HTTP/1.1 requests out of a connection's bytes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

import httptools


class BadRequest(Exception):
    """The bytes are not HTTP."""


@dataclass(slots=True)
class Request:
    """A whole request. Header names are lower case; repeated headers are joined with a comma."""

    method: str = ""
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    keep_alive: bool = True


class RequestReader:
    """Calls `on_request` for each whole request, `on_expect` when the client waits to be asked for a body.

    The methods named `on_` are httptools' events.
    """

    def __init__(self, on_request: Callable[[Request], None], on_expect: Callable[[], None]) -> None:
        self._on_request = on_request
        self._on_expect = on_expect
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Takes the next bytes. Raises BadRequest."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise BadRequest(str(error)) from error

    def on_message_begin(self) -> None:
        """A request starts."""
        self._url, self._headers, self._body = b"", {}, []

    def on_url(self, url: bytes) -> None:
        """A piece of the request target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        before = self._headers.get(key)
        self._headers[key] = text if before is None else f"{before}, {text}"

    def on_headers_complete(self) -> None:
        """The body comes next."""
        if self._headers.get("expect", "").lower() == "100-continue":
            self._on_expect()

    def on_body(self, body: bytes) -> None:
        """A piece of the request's body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        path, _, query = self._url.decode("latin-1").partition("?")
        self._on_request(
            Request(
                method=self._parser.get_method().decode("latin-1"),
                path=unquote(path) if "%" in path else path,
                query=dict(parse_qsl(query, keep_blank_values=True)) if query else {},
                headers=self._headers,
                body=b"".join(self._body),
                keep_alive=self._parser.should_keep_alive(),
            )
        )
