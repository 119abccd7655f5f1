"""The page of an OpenAPI document: HTML and CSS, without scripts and without anything from elsewhere."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from html import escape
from typing import Any

from gateway.http.openapi.words import SCHEMAS, link, type_of

Json = dict[str, Any]
BASE = "http://127.0.0.1:8000"
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; } h3 { font-family: ui-monospace, monospace; margin-top: 2rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } td, th { border-bottom: 1px solid var(--line); padding: .25rem .75rem
.25rem 0; text-align: left; vertical-align: top; overflow-wrap: anywhere; } th { font-weight: 600; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; } pre { background: var(--soft); padding: .75rem;
overflow-x: auto; } nav ul { columns: 2; padding-left: 1rem; } summary { cursor: pointer; margin: .5rem 0; }
"""


def page(document: Json) -> str:
    """The whole page."""
    info, shared = document["info"], document["components"]
    groups = [(tag, list(_operations(document, tag["name"]))) for tag in document["tags"]]
    body = [
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{_prose(info['description'])}</p>",
        f"<nav>{''.join(_contents(tag['name'], listed) for tag, listed in groups)}</nav>",
    ]
    for tag, listed in groups:
        body.append(f"<h2>{escape(tag['name'])}</h2><p>{_prose(tag['description'])}</p>")
        body += (_section(path, method, one, shared) for path, method, one in listed)
    body += ["<h2>Headers</h2>", _parameters(list(shared["parameters"].values())), _replied(shared["headers"])]
    body.append("<h2>Errors</h2>" + "".join(_error(name, one) for name, one in shared["responses"].items()))
    body.append("<h2>Shapes</h2>" + "".join(_shape(name, one) for name, one in shared["schemas"].items()))
    head = f'<meta charset="utf-8"><title>{escape(info["title"])}</title><style>{STYLE}</style>'
    view = '<meta name="viewport" content="width=device-width">'
    return f'<!doctype html><html lang="en"><head>{head}{view}</head><body>{"".join(body)}</body></html>'


def _operations(document: Json, tag: str) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield path, method.upper(), operation


def _contents(name: str, listed: list[tuple[str, str, Json]]) -> str:
    links = (f'<li><a href="#{one["operationId"]}">{method} {escape(path)}</a></li>' for path, method, one in listed)
    return f"<h4>{escape(name)}</h4><ul>{''.join(links)}</ul>"


def _section(path: str, method: str, operation: Json, shared: Json) -> str:
    """A route: what it does, what it takes, an example, what it gives."""
    own = [one for one in operation["parameters"] if "$ref" not in one]
    named = [one["$ref"].rpartition("/")[2] for one in operation["parameters"] if "$ref" in one]
    parts = [
        f'<section><h3 id="{operation["operationId"]}">{method} {escape(path)}</h3>',
        f"<p>{escape(operation['summary'])}. {_prose(operation.get('description', ''))}</p>",
        _parameters(own) if own else "",
        _body(operation, shared["schemas"]),
        f"<p>Headers: {', '.join(link('header', name) for name in named)}.</p>",
        f"<pre>{escape(curl(path, method, operation))}</pre>",
        _answers(operation),
        "</section>",
    ]
    return "".join(parts)


def curl(path: str, method: str, operation: Json) -> str:
    """A command that makes the operation's example request."""
    for one in operation["parameters"]:
        if one.get("in") == "path":
            path = path.replace(f"{{{one['name']}}}", str(one["example"]))
    words = ["curl", *(["-X", method] if method not in ("GET", "POST") else []), BASE + path]
    line = " ".join(map(shlex.quote, words))
    if operation["security"]:
        line += ' \\\n  -H "Authorization: Bearer $GATEWAY_KEY"'
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        line += _sent(media, content.get("example"))
    return line


def _sent(media: str, example: Any) -> str:
    if media == "multipart/form-data":
        fields = (f"{name}={value}" for name, value in (example or {}).items())
        return "".join(f" \\\n  -F {shlex.quote(field)}" for field in fields)
    return f" \\\n  -H 'Content-Type: {media}' \\\n  -d {shlex.quote(json.dumps(example))}"


def _body(operation: Json, schemas: Json) -> str:
    """The fields of the body."""
    made = []
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        name = content["schema"].get("$ref", "").removeprefix(SCHEMAS)
        made.append(f"<p>Body, <code>{escape(media)}</code>:</p>{_fields(schemas.get(name, content['schema']))}")
    return "".join(made)


def _answers(operation: Json) -> str:
    """The reply's types, and the errors."""
    content = operation["responses"]["200"]["content"]
    kinds = []
    for media, one in content.items():
        says = one["schema"].get("description") if media == "text/event-stream" else None
        kinds.append(f"<code>{escape(media)}</code>: {_prose(says) if says else type_of(one['schema'])}")
    failures = (
        f'<a href="#error-{one["$ref"].rpartition("/")[2]}">{status}</a>'
        for status, one in operation["responses"].items()
        if "$ref" in one
    )
    return f"<p>Reply, {'; '.join(kinds)}</p><p>Errors: {', '.join(failures)}.</p>"


def _parameters(listed: list[Json]) -> str:
    rows = (
        f"<tr{_anchor(one)}><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
        f"<td>{type_of(one['schema'])}</td><td>{_prose(one.get('description', ''))}</td></tr>"
        for one in listed
    )
    return f"<table><tr><th>Parameter</th><th>In</th><th>Type</th><th></th></tr>{''.join(rows)}</table>"


def _anchor(parameter: Json) -> str:
    return f' id="header-{escape(parameter["name"])}"' if parameter["in"] == "header" else ""


def _replied(headers: Json) -> str:
    rows = (
        f"<tr><td><code>{escape(name)}</code></td><td>{type_of(one['schema'])}</td>"
        f"<td>{_prose(one['description'])}</td></tr>"
        for name, one in headers.items()
    )
    return f"<table><tr><th>Of a reply</th><th>Type</th><th></th></tr>{''.join(rows)}</table>"


def _error(name: str, response: Json) -> str:
    (content,) = response["content"].values()
    body = json.dumps(content["example"], indent=1)
    return f'<h4 id="error-{name}">{name}</h4><p>{_prose(response["description"])}</p><pre>{escape(body)}</pre>'


def _shape(name: str, schema: Json) -> str:
    says = f"<p>{_prose(schema['description'])}</p>" if "description" in schema else ""
    fields = _fields(schema) if "properties" in schema else f"<p>{type_of(schema)}</p>"
    return f'<details id="shape-{escape(name)}"><summary><code>{escape(name)}</code></summary>{says}{fields}</details>'


def _fields(schema: Json) -> str:
    """A table of an object's fields."""
    required = schema.get("required", ())
    rows = (
        f"<tr><td><code>{escape(name)}</code></td><td>{type_of(one)}</td>"
        f"<td>{'required' if name in required else ''}</td></tr>"
        for name, one in schema.get("properties", {}).items()
    )
    return f"<table><tr><th>Field</th><th>Type</th><th></th></tr>{''.join(rows)}</table>"


def _prose(text: str) -> str:
    """Text whose code stands in backquotes, one or two."""
    return re.sub(r"(`{1,2})(.+?)\1", r"<code>\2</code>", escape(text))
