from __future__ import annotations

import pytest

from gateway.http import kept
from gateway.http.openapi.kept_rows import LISTED, ROWS
from gateway.http.openapi.row import BYTES, JSON, Row

ROUTES = {(row.method, row.path): row for row in kept.ROWS}


def name(row: Row) -> str:
    return f"{row.method} {row.path}"


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_a_row_tells_what_its_route_does(row: Row) -> None:
    route = ROUTES[row.method, row.path]
    assert (row.says == LISTED) == route.lists
    assert row.gives == (BYTES if route.file else JSON)
    assert (row.body is not None) == (route.read is not None)
    assert bool(row.query) == (route.query is not None)


def test_a_list_in_a_query_has_brackets_behind_its_name() -> None:
    (row,) = [row for row in ROWS if row.path.endswith("/input_items")]
    assert [one.name for one in row.query] == ["after", "include[]", "limit", "order"]
    assert {one.name: one.schema for one in row.query}["limit"] == {"type": "integer", "minimum": 1, "maximum": 100}
