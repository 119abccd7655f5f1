from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from openai.types.batch_create_params import BatchCreateParams, OutputExpiresAfter
from openai.types.batch_list_params import BatchListParams

from gateway.http import schema
from gateway.http.schema.batches import BATCH, BATCHES, LINE, BatchBody, BatchesQuery
from gateway.http.schema.files import Expiry
from tests.support.parameter_types import literals
from tests.support.schema import ATTACKS, refused

BODY: dict[str, Any] = {"input_file_id": "file-1", "endpoint": "/v1/embeddings", "completion_window": "24h"}
ASK: dict[str, Any] = {"custom_id": "a", "method": "POST", "url": "/v1/embeddings", "body": {"model": "m"}}
#: What OpenAI takes in a batch, and this gateway does not.
NOT_CARRIED = {
    "/v1/images/generations": "its results are too large for a file that is read line by line here",
    "/v1/images/edits": "the lines name files by their address, which would be fetched by the provider",
    "/v1/videos": "no route of this gateway makes videos",
}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(BatchBody, BatchCreateParams), (Expiry, OutputExpiresAfter), (BatchesQuery, BatchListParams)],
    ids=["batch", "expiry", "list"],
)
def test_the_tables_have_what_openai_s_client_can_send(ours: Any, theirs: Any) -> None:
    assert set(get_type_hints(ours)) == set(get_type_hints(theirs))


def test_the_endpoints_are_those_of_openai_s_client() -> None:
    ours, theirs = (get_type_hints(one)["endpoint"] for one in (BatchBody, BatchCreateParams))
    assert literals(ours) | set(NOT_CARRIED) == literals(theirs)


def test_a_batch_and_a_line_are_accepted() -> None:
    expiry = {"anchor": "created_at", "seconds": 3600}
    schema.check(BATCH, {**BODY, "metadata": {"a": "b"}, "output_expires_after": expiry})
    schema.check(BATCH, {**BODY, "metadata": None})
    schema.check(LINE, ASK)


@pytest.mark.parametrize("name", ATTACKS)
def test_anything_else_is_refused(name: str) -> None:
    for table, body in ((BATCH, BODY), (BATCHES, {}), (LINE, ASK)):
        assert refused(table, {**body, name: "x"}).code == "unknown_parameter"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("input_file_id", "../models"),
        ("endpoint", "/v1/files"),
        ("completion_window", "1h"),
        ("metadata", {"a": "b" * 513}),
        ("metadata", dict.fromkeys("abcdefghijklmnopq", "")),
    ],
    ids=["id", "endpoint", "window", "long", "many"],
)
def test_what_is_wrong_is_named(name: str, value: Any) -> None:
    assert (refused(BATCH, {**BODY, name: value}).param or "").startswith(name)
