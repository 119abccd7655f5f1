from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from gateway.http.openapi.document import build, document, operation_id, template
from gateway.http.openapi.row import EVENTS, Json, Kind, Query, Row
from gateway.http.openapi.rows import ROWS


class Body(TypedDict):
    n: int


def one(row: Row) -> Json:
    made: Json = build([row])["paths"][template(row.path)][row.method.lower()]
    return made


def row(path: str = "/v1/things/{id:path}", kind: Kind = Kind.PLAIN, **more: Any) -> Row:
    return Row("POST", path, "OpenAI", "Things", Body, kind, asked={"id": "t-1"}, **more)


def resolve(whole: Json, reference: str) -> Any:
    found: Any = whole
    for part in reference.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/")]
    return found


def references(value: Any) -> set[str]:
    if isinstance(value, list):
        return {found for each in value for found in references(each)}
    if not isinstance(value, dict):
        return set()
    own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
    return own | {found for each in value.values() for found in references(each)}


def test_every_reference_leads_somewhere() -> None:
    for reference in references(document()):
        assert resolve(document(), reference)


def test_every_component_is_referred_to() -> None:
    used = references(document())
    for kind in ("schemas", "responses", "parameters", "headers"):
        for name in document()["components"][kind]:
            assert f"#/components/{kind}/{name}" in used


def test_every_schema_is_a_json_schema() -> None:
    for schema in document()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_route_has_an_id_of_its_own() -> None:
    assert len({operation_id(each) for each in ROWS}) == len(ROWS)


def test_a_path_s_names_are_parameters_with_an_example() -> None:
    parameters = one(row())["parameters"]
    (found,) = [each for each in parameters if each.get("in") == "path"]
    assert (found["name"], found["required"], found["example"]) == ("id", True, "t-1")


def test_a_query_is_told_of() -> None:
    query = (Query("after", {"type": "string"}, "The last one that was seen.", required=True),)
    (found,) = [each for each in one(row(query=query))["parameters"] if each.get("in") == "query"]
    assert (found["name"], found["required"], found["schema"]) == ("after", True, {"type": "string"})


def test_a_body_has_its_media_type_its_shape_and_its_example() -> None:
    made = one(row(body=TypeAdapter(Body), takes="multipart/form-data", example={"n": 1}))
    content = {"schema": {"$ref": "#/components/schemas/Body"}, "example": {"n": 1}}
    assert made["requestBody"] == {"required": True, "content": {"multipart/form-data": content}}
    assert "requestBody" not in one(row())


def test_each_row_has_its_own_body_and_reply() -> None:
    """Not every row has a body, so that the two could get out of step."""
    other = Row("GET", "/x", "OpenAI", "x", str)
    paths = build([other, row(body=TypeAdapter(Body), kind=Kind.MODEL)])["paths"]
    assert paths["/x"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] == {"type": "string"}
    reply = paths["/v1/things/{id}"]["post"]["responses"]["200"]
    assert reply["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Body"}
    assert "X-Ivy-Model" in reply["headers"]


def test_other_media_types_are_told_of_in_words() -> None:
    content = one(row(more={EVENTS: "One a line."}))["responses"]["200"]["content"]
    assert content[EVENTS] == {"schema": {"description": "One a line."}}


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/v1/chat/completions", ["key"]),
        ("/v1/messages", ["key", "x-api-key"]),
        ("/v1beta/models", ["key", "x-goog-api-key"]),
        ("/v1/models/{id:path}", ["key", "x-goog-api-key"]),
    ],
)
def test_a_key_is_sent_as_the_path_s_clients_send_it(path: str, names: list[str]) -> None:
    assert one(row(path))["security"] == [{name: []} for name in names]
    assert set(names) <= set(document()["components"]["securitySchemes"])


def test_one_route_asks_for_no_key() -> None:
    free = [
        path
        for path, methods in document()["paths"].items()
        for operation in methods.values()
        if not operation["security"]
    ]
    assert free == ["/health/live"]


def test_it_is_made_once() -> None:
    assert document() is document()
