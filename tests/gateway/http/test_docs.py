from __future__ import annotations

import shlex
from collections import Counter
from html.parser import HTMLParser

import pytest

from gateway.http.docs import curl, page
from gateway.http.openapi.document import document

VOID = frozenset({"meta", "br", "hr", "input", "img", "link"})


class Read(HTMLParser):
    """The ids, the links, the text, and the elements that are open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.add(tag)
        self.attributes |= set(found)
        if "id" in found:
            self.ids[found["id"] or ""] += 1
        if "href" in found:
            self.links.append(found["href"] or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def read() -> Read:
    return Read(page(document()))


def test_it_is_whole(read: Read) -> None:
    assert read.open == []


def test_every_route_has_its_section(read: Read) -> None:
    ids = {one["operationId"] for methods in document()["paths"].values() for one in methods.values()}
    assert ids <= set(read.ids)


def test_every_link_leads_to_one_place_of_the_page(read: Read) -> None:
    assert all(link.startswith("#") for link in read.links)
    assert {link[1:] for link in read.links} <= set(read.ids)
    assert [name for name, count in read.ids.items() if count > 1] == []


def test_it_loads_and_runs_nothing(read: Read) -> None:
    assert not read.elements & {"script", "link", "img", "iframe", "object", "form"}
    assert not {name for name in read.attributes if name == "src" or name.startswith("on")}


def test_what_the_document_says_is_text_and_not_markup() -> None:
    made = {**document(), "info": {"title": "<b>x</b>", "version": "1", "description": "`a<b` & <i>c</i>"}}
    text = page(made)
    assert "<b>x</b>" not in text
    assert "<code>a&lt;b</code> &amp; &lt;i&gt;c&lt;/i&gt;" in text


def split(command: str) -> list[str]:
    """The command as a shell splits it."""
    return shlex.split(command.replace("\\\n", ""))


def words(path: str, method: str) -> list[str]:
    return split(curl(path, method.upper(), document()["paths"][path][method]))


def test_an_example_is_a_command() -> None:
    made = words("/v1/embeddings", "post")
    assert made[:2] == ["curl", "http://127.0.0.1:8000/v1/embeddings"]
    assert made[made.index("-d") + 1] == '{"model": "text-embedding-3-small", "input": "Hello"}'
    assert "Content-Type: application/json" in made
    assert "Authorization: Bearer $GATEWAY_KEY" in made


def test_an_example_names_its_method_and_what_the_path_asks_for() -> None:
    assert words("/ai/memory", "delete")[:4] == ["curl", "-X", "DELETE", "http://127.0.0.1:8000/ai/memory"]
    assert words("/v1/models/{name}", "get")[1] == "http://127.0.0.1:8000/v1/models/default"
    assert "Authorization: Bearer $GATEWAY_KEY" not in words("/health/live", "get")


def test_a_form_is_sent_field_by_field() -> None:
    content = {"multipart/form-data": {"example": {"file": "@speech.mp3", "model": "m"}}}
    operation = {"parameters": [], "security": [], "requestBody": {"content": content}}
    made = split(curl("/v1/x", "POST", operation))
    assert made == ["curl", "http://127.0.0.1:8000/v1/x", "-F", "file=@speech.mp3", "-F", "model=m"]
