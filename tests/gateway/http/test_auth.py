from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from gateway.contract import Forbidden, GatewayError, Identity, InvalidRequest, Unauthorized
from gateway.http.auth import Authenticate
from gateway.keys import Keys, digest
from gateway.settings.keys import Key
from tests.support.asgi import Lines, Sent, receiving, scope

KEY = "master-key-1"
VIRTUAL = "sk-ivy-of-the-test"


async def passed(
    headers: dict[str, str] | None = None, *, key: str | None = KEY, keys: Keys | None = None, **more: Any
) -> Scope:
    """The scope that gets past the check; raises what it is refused with."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    await Authenticate(app, key, keys)(scope(headers=headers or {}, **more), receiving(), Sent())
    (one,) = seen
    return one


async def refused(headers: dict[str, str] | None = None, **more: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await passed(headers, **more)
    return caught.value


@pytest.mark.parametrize("value", [f"Bearer {KEY}", f"bearer {KEY}", f"BEARER {KEY}", f"Bearer  {KEY} "])
async def test_the_right_key_passes(value: str) -> None:
    assert "identity" in await passed({"authorization": value})


NONE_SENT = ["", KEY, f"Basic {KEY}", "Bearer", "Bearer  ", f"Token {KEY}"]
WRONG = [
    "Bearer x",
    f"Bearer {KEY}1",
    f"Bearer {KEY[:-1]}",
    f"Bearer {KEY.upper()}",
    "Bearer \xe9\xff",
    f"Bearer {KEY} x",
]


@pytest.mark.parametrize("value", [*NONE_SENT, *WRONG])
async def test_any_other_is_refused_in_words_that_tell_nothing(value: str) -> None:
    error = await refused({"authorization": value} if value else {})
    assert isinstance(error, Unauthorized)
    assert (error.status, error.code, error.headers) == (401, "invalid_api_key", {"WWW-Authenticate": "Bearer"})
    expected = "The API key is not valid here." if value in WRONG else "No API key was sent."
    assert error.message.startswith(expected)
    assert KEY not in error.message


async def test_a_key_elsewhere_is_none() -> None:
    assert isinstance(
        await refused({"x-api-key": KEY, "api-key": KEY}, query_string=f"key={KEY}".encode()), Unauthorized
    )


async def test_only_the_life_check_is_open() -> None:
    assert "identity" not in await passed(path="/health/live", method="GET")
    for path in ("/health/ready", "/health/live/", "/health", "/ai/router/health", "/"):
        assert isinstance(await refused(path=path, method="GET"), Unauthorized)


@pytest.mark.parametrize(
    "server", [("127.0.0.1", 8000), ("127.8.8.8", 80), ("::1", 8000), ("/run/gateway.sock", None), None]
)
async def test_without_a_key_this_machine_is_served(server: Any) -> None:
    assert "identity" in await passed(key=None, server=server)


@pytest.mark.parametrize(
    "server", [("10.0.0.1", 8000), ("0.0.0.0", 8000), ("192.168.1.2", 80), ("2001:db8::1", 80), ("::", 80)]
)
async def test_without_a_key_nobody_else_is(server: Any) -> None:
    error = await refused({"authorization": "Bearer x"}, key=None, server=server)
    assert isinstance(error, Forbidden)
    assert (error.status, "GATEWAY_MASTER_KEY" in error.message) == (403, True)


@pytest.mark.parametrize("key", [None, ""])
async def test_an_empty_key_is_no_key(key: str | None) -> None:
    assert isinstance(await refused({"authorization": "Bearer "}, key=key, server=("10.0.0.1", 1)), Forbidden)


async def identity(headers: dict[str, str], **more: Any) -> Identity:
    found: Identity = (await passed({"authorization": f"Bearer {KEY}", **headers}, **more))["identity"]
    return found


async def test_the_headers_say_who_calls() -> None:
    headers = {"X-User-ID": "ann", "X-Org-ID": "acme", "X-Conversation-ID": "c1"}
    assert await identity(headers) == Identity("127.0.0.1", "ann", "acme", "c1")


async def test_nobody_need_be_named() -> None:
    assert await identity({"X-User-ID": "  ", "X-Org-ID": ""}) == Identity("127.0.0.1")


async def test_the_organisation_has_an_alias_which_gives_way() -> None:
    assert (await identity({"X-Organization-ID": "a"})).org == "a"
    assert (await identity({"X-Organization-ID": "a", "X-Org-ID": "b"})).org == "b"


@pytest.mark.parametrize("name", ["X-User-ID", "X-Org-ID", "X-Organization-ID", "X-Conversation-ID"])
@pytest.mark.parametrize("value", ["a" * 257, "a\x00b", "a\tb", "jos\xe9", "a\x7f", "a\x1b[2J"])
async def test_a_name_that_could_do_harm_is_refused_by_its_header(name: str, value: str) -> None:
    error = await refused({"authorization": f"Bearer {KEY}", name: value})
    assert isinstance(error, InvalidRequest)
    assert (error.param, value in error.message) == (name, False)


@pytest.mark.parametrize("value", ["a", "a" * 256, "ann@example.com", "Ann B. 7~!", "0"])
async def test_a_printable_name_is_taken_as_it_is(value: str) -> None:
    assert (await identity({"X-User-ID": value})).user == value


async def test_the_address_is_the_peer_s_whatever_is_forwarded() -> None:
    forged = {"X-Forwarded-For": "1.2.3.4", "Forwarded": "for=1.2.3.4", "X-Real-IP": "1.2.3.4"}
    assert (await identity(forged, client=("10.9.9.9", 1))).address == "10.9.9.9"
    assert (await identity({}, client=None)).address == "unix"


async def test_what_is_not_http_passes_untouched() -> None:
    assert "identity" not in await passed(type="lifespan", key=KEY)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost", "localhost:8000", "[::1]:8000", "127.9.9.9", "a.localhost"]
)
async def test_without_a_key_this_machine_s_own_names_are_served(host: str) -> None:
    assert "identity" in await passed({"host": host}, key=None)
    assert "identity" in await passed({"host": host, "origin": f"http://{host}"}, key=None)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:8000"},
        {"host": "localhost.evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "localhost", "origin": "https://evil.example"},
        {"host": "localhost", "origin": "null"},
        {"host": "[::1", "origin": "http://localhost"},
        {"host": "user@evil.example"},
    ],
    ids=str,
)
async def test_without_a_key_a_web_page_can_not_use_the_gateway(headers: dict[str, str]) -> None:
    assert isinstance(await refused(headers, key=None), Forbidden)


async def test_with_a_key_any_name_is_served() -> None:
    headers = {"authorization": f"Bearer {KEY}", "host": "ivy.example", "origin": "https://crm.example"}
    assert "identity" in await passed(headers)


def keys(**fields: Any) -> Keys:
    """One virtual key, ``VIRTUAL``, of these fields."""
    entry = Key(name="crm", hash=f"sha256:{digest(VIRTUAL.encode())}", **fields)
    return Keys(Path("nowhere.yaml"), (), Lines(), [entry], clock=lambda: 0.0)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize("master", [KEY, None])
async def test_a_virtual_key_passes_and_is_no_administrator_s(master: str | None) -> None:
    found = await passed(bearer(VIRTUAL), key=master, keys=keys(), server=("10.0.0.1", 8000))
    assert (found["key"].name, found["administrator"], found["log"]) == ("crm", False, {"key": "crm"})
    assert found["identity"].key == "crm"


async def test_the_administrator_s_key_is_no_virtual_one() -> None:
    found = await passed(bearer(KEY), keys=keys())
    assert (found["key"], found["administrator"], found["identity"].key) == (None, True, None)


async def test_this_machine_without_a_key_is_no_administrator() -> None:
    found = await passed(key=None)
    assert (found["key"], found["administrator"]) == (None, False)


def answer(error: GatewayError) -> tuple[object, ...]:
    return type(error), error.status, error.code, error.type, error.param, error.headers


@pytest.mark.parametrize("master", [KEY, None])
async def test_missing_wrong_and_expired_differ_in_their_words_only(master: str | None) -> None:
    old = keys(expires=datetime.date(2020, 1, 1))
    errors = [
        await refused({}, key=master, keys=old),
        await refused(bearer("sk-ivy-other"), key=master, keys=old),
        await refused(bearer(VIRTUAL), key=master, keys=old),
        await refused(bearer(digest(VIRTUAL.encode())), key=master, keys=old),
    ]
    assert len({error.message for error in errors}) == 3
    assert all(answer(error) == answer(errors[0]) for error in errors)
    assert errors[2].message == "The API key has expired."


async def test_a_key_is_looked_up_whether_or_not_one_was_sent() -> None:
    """The work is what a stopwatch would tell apart."""
    asked: list[str] = []

    class Watched(Keys):
        def find(self, digest: str) -> Key | None:
            asked.append(digest)
            return super().find(digest)

    watched = Watched(Path("nowhere.yaml"), (), Lines(), [], clock=lambda: 0.0)
    for headers in ({}, bearer("x"), bearer("x" * 1000), {"authorization": "Basic x"}):
        await refused(headers, keys=watched)
    assert [len(one) for one in asked] == [64] * 4


OWN = [
    ("/v1/messages", "x-api-key"),
    ("/v1/messages/count_tokens", "x-api-key"),
    ("/v1beta/models", "x-goog-api-key"),
    ("/v1/models", "x-goog-api-key"),
]


@pytest.mark.parametrize(("path", "header"), OWN)
async def test_other_clients_send_their_key_in_a_header_of_their_own(path: str, header: str) -> None:
    found = await passed({header: VIRTUAL}, keys=keys(), path=path)
    assert found["key"].name == "crm"
    for elsewhere in ("/v1/chat/completions", "/v1/embeddings", "/ai/router/v2"):
        assert isinstance(await refused({header: VIRTUAL}, keys=keys(), path=elsewhere), Unauthorized)
    other = next(name for _, name in OWN if name != header)
    assert isinstance(await refused({other: VIRTUAL}, keys=keys(), path=path), Unauthorized)
    both = await passed({header: "x", **bearer(VIRTUAL)}, keys=keys(), path=path)
    assert both["key"].name == "crm"
    assert header in (await refused({}, keys=keys(), path=path)).message


async def test_a_key_in_the_address_is_not_taken_and_the_words_say_why() -> None:
    error = await refused({}, keys=keys(), path="/v1beta/models", query_string=f"alt=sse&key={VIRTUAL}".encode())
    assert "A key in the address is not taken" in error.message
    assert "A key in the address" not in (await refused({}, keys=keys(), query_string=b"monkey=1")).message


NAMED = {"X-User-ID": "eve", "X-Org-ID": "other", "X-Conversation-ID": "c1"}


@pytest.mark.parametrize(
    ("bound", "who"),
    [
        ({"user": "ann", "org": "acme"}, ("ann", "acme")),
        ({"user": "ann"}, ("ann", None)),
        ({"org": "acme"}, ("eve", "acme")),
        ({}, ("eve", "other")),
    ],
    ids=str,
)
async def test_whom_a_key_is_bound_to_wins(bound: dict[str, str], who: tuple[str | None, str | None]) -> None:
    found = (await passed({**bearer(VIRTUAL), **NAMED}, keys=keys(**bound)))["identity"]
    assert (found.user, found.org, found.conversation) == (*who, "c1")


async def test_a_header_that_could_do_harm_is_refused_for_a_bound_key_too() -> None:
    error = await refused({**bearer(VIRTUAL), "X-User-ID": "a\tb"}, keys=keys(user="ann"))
    assert isinstance(error, InvalidRequest)
