from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from openai.types.file_create_params import ExpiresAfter, FileCreateParams
from openai.types.file_list_params import FileListParams

from gateway.contract import Upload
from gateway.http import schema
from gateway.http.schema.files import FILE, FILES, Expiry, FileBody, FilesQuery
from tests.support.parameter_types import literals
from tests.support.schema import ATTACKS, refused

BODY: dict[str, Any] = {"file": Upload("a", b"x", "text/plain"), "purpose": "batch"}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(FileBody, FileCreateParams), (Expiry, ExpiresAfter), (FilesQuery, FileListParams)],
    ids=["file", "expiry", "list"],
)
def test_the_tables_have_what_openai_s_client_can_send(ours: Any, theirs: Any) -> None:
    assert set(get_type_hints(ours)) == set(get_type_hints(theirs))


def test_the_purposes_are_those_of_openai_s_client() -> None:
    ours, theirs = (get_type_hints(one)["purpose"] for one in (FileBody, FileCreateParams))
    assert literals(ours) == literals(theirs)


def test_a_file_that_expires() -> None:
    expiry = {"anchor": "created_at", "seconds": "3600"}
    assert schema.check(FILE, {**BODY, "expires_after": expiry})["expires_after"]["seconds"] == 3600
    assert refused(FILE, {**BODY, "expires_after": expiry | {"seconds": "60"}}).param == "expires_after.seconds"


@pytest.mark.parametrize("table", [FILE, FILES], ids=["file", "list"])
@pytest.mark.parametrize("name", ATTACKS)
def test_anything_else_is_refused(table: Any, name: str) -> None:
    body = BODY if table is FILE else {}
    assert refused(table, {**body, name: "x"}).code == "unknown_parameter"


@pytest.mark.parametrize(("name", "value"), [("limit", "10001"), ("order", "up"), ("after", "a/b"), ("purpose", "A b")])
def test_what_is_wrong_with_a_query_is_named(name: str, value: str) -> None:
    assert refused(FILES, {name: value}).param == name
