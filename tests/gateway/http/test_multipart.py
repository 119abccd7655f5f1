from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.contract import GatewayError, Upload
from gateway.http.access import CallerLeft
from gateway.http.multipart import harmless, read_form
from gateway.settings.schema import Server
from tests.support.asgi import LEFT, receiving, scope

SERVER = Server(max_upload_bytes=4096, body_seconds=0.2)
FORM = {"content-type": "multipart/form-data; boundary=mark"}


def part(name: str, value: bytes = b"v", *, file: str | None = None, kind: str = "", more: str = "") -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"' + (f'; filename="{file}"' if file is not None else "")
    head += f"\r\nContent-Type: {kind}" if kind else ""
    return f"--mark\r\n{head}{more}\r\n\r\n".encode() + value + b"\r\n"


END = b"--mark--\r\n"


async def read(*parts: bytes | Any, **headers: str) -> dict[str, Any]:
    return await read_form(scope(headers={**FORM, **headers}), receiving(*parts), SERVER)


async def refused(*parts: bytes, **headers: str) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await read(*parts, **headers)
    return caught.value


async def test_text_and_files() -> None:
    content = b"\x00\xff\r\n--mark\r\n"[:5]
    form = await read(part("model", b"caf\xc3\xa9"), part("file", content, file="a.wav", kind="audio/x-wav; a=b"), END)
    assert form == {"model": "café", "file": Upload("a.wav", content, "audio/x-wav")}


async def test_a_form_may_come_byte_by_byte() -> None:
    whole = part("model") + part("file", b"abc", file="a") + END
    assert await read(*(bytes([one]) for one in whole)) == {
        "model": "v",
        "file": Upload("a", b"abc", "application/octet-stream"),
    }


async def test_lists_and_mappings_have_brackets() -> None:
    form = await read(
        part("a[]", b"1"), part("a[]", b"2"), part("b[x]", b"3"), part("b[y]", b"4"), part("c[d][e]"), END
    )
    assert form == {"a": ["1", "2"], "b": {"x": "3", "y": "4"}, "c[d][e]": "v"}


@pytest.mark.parametrize("names", [["a", "a"], ["a", "a[]"], ["a[]", "a[x]"], ["a[x]", "a[x]"], ["a[x]", "a"]])
async def test_a_field_that_is_sent_twice(names: list[str]) -> None:
    error = await refused(*(part(name) for name in names), END)
    assert (error.status, error.code, error.param) == (400, "duplicate_field", names[-1])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text",
        part("a"),
        part("a") + b"--mark\r\n",
        b"--mark\r\nContent-Type: text/plain\r\n\r\nv\r\n" + END,
        b"--mark\r\nbroken\r\n\r\nv\r\n" + END,
        part("a", more="\r\nx: " + "y" * 100_000) + END,
        part("a", more="".join(f"\r\nx{number}: y" for number in range(100))) + END,
        b"".join(part(f"a{number}") for number in range(101)) + END,
        b"".join(part("a[]", file="f") for _ in range(21)) + END,
    ],
    ids=["empty", "text", "cut", "unended", "nameless", "header", "long", "headers", "fields", "files"],
)
async def test_what_is_no_form(body: bytes) -> None:
    large = Server(max_upload_bytes=2**20)
    with pytest.raises(GatewayError) as caught:
        await read_form(scope(headers=FORM), receiving(body), large)
    assert (caught.value.status, caught.value.code) == (400, "invalid_form")


@pytest.mark.parametrize("kind", ["", "application/json", "application/x-www-form-urlencoded", "multipart/mixed"])
async def test_another_content_type(kind: str) -> None:
    assert (await refused(END, **{"content-type": kind})).status == 415


async def test_a_compressed_form() -> None:
    assert (await refused(END, **{"content-encoding": "gzip"})).status == 415


async def test_no_boundary() -> None:
    assert (await refused(END, **{"content-type": "multipart/form-data"})).code == "invalid_form"


async def test_a_form_that_says_it_is_too_large_is_not_read() -> None:
    async def receive() -> Any:
        raise AssertionError("read")

    with pytest.raises(GatewayError) as caught:
        await read_form(scope(headers={**FORM, "content-length": "4097"}), receive, SERVER)
    assert caught.value.status == 413


async def test_a_form_that_is_too_large_is_read_no_further() -> None:
    given: list[int] = []

    async def receive() -> Any:
        given.append(1)
        return {"type": "http.request", "body": part("a", b"x" * 1000, file="f"), "more_body": True}

    with pytest.raises(GatewayError) as caught:
        await read_form(scope(headers=FORM), receive, SERVER)
    assert caught.value.status == 413
    assert len(given) == 4


async def test_a_form_that_does_not_end_in_time() -> None:
    async def receive() -> Any:
        await asyncio.Event().wait()

    with pytest.raises(GatewayError) as caught:
        await read_form(scope(headers=FORM), receive, SERVER)
    assert caught.value.code == "body_timeout"


async def test_a_caller_who_leaves() -> None:
    with pytest.raises(CallerLeft):
        await read(LEFT)


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("a.wav", "a.wav"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\a.mp3", "a.mp3"),
        ("a\r\nb\x00.wav", "ab.wav"),
        ("\u202egpj.exe", "gpj.exe"),
        ("", "file"),
        ("..", "file"),
        ("/", "file"),
        ("x" * 300 + ".flac", "x" * 95 + ".flac"),
        ("x" * 300, "x" * 100),
        ("a." + "y" * 300, "a." + "y" * 98),
    ],
)
def test_a_file_name_is_made_harmless(sent: str, name: str) -> None:
    assert harmless(sent) == name


async def test_a_content_type_that_is_none() -> None:
    form = await read(part("file", file="a", kind='text/plain"\\'), END)
    assert form["file"].content_type == "application/octet-stream"
