from __future__ import annotations

from typing import get_type_hints

import pytest
from openai.types.responses.input_item_list_params import InputItemListParams
from openai.types.responses.response_retrieve_params import ResponseRetrieveParamsStreaming

from gateway.http import schema
from gateway.http.schema.kept_responses import INPUT_ITEMS, RESPONSE, InputItemsQuery, ResponseQuery
from tests.support.parameter_types import literals
from tests.support.schema import ATTACKS, refused

#: What OpenAI takes and this gateway does not.
NOT_CARRIED = {
    "stream": "a stored response comes whole",
    "starting_after": "a place in such a stream",
    "include_obfuscation": "padding of such a stream",
}


def test_the_tables_have_what_openai_s_client_can_send() -> None:
    assert set(get_type_hints(ResponseQuery)) | set(NOT_CARRIED) == set(get_type_hints(ResponseRetrieveParamsStreaming))
    assert set(get_type_hints(InputItemsQuery)) == set(get_type_hints(InputItemListParams))


def test_what_may_be_included_is_what_openai_s_client_has() -> None:
    ours, theirs = (get_type_hints(one)["include"] for one in (ResponseQuery, InputItemListParams))
    assert literals(ours) == literals(theirs)


@pytest.mark.parametrize("name", [*ATTACKS, *NOT_CARRIED])
def test_anything_else_is_refused(name: str) -> None:
    for table in (RESPONSE, INPUT_ITEMS):
        assert refused(table, {name: "x"}).code == "unknown_parameter"


def test_a_page_s_parameters() -> None:
    assert schema.check(INPUT_ITEMS, {"limit": "5", "order": "asc", "after": "item_1"})["limit"] == 5
    assert refused(INPUT_ITEMS, {"limit": "101"}).param == "limit"
