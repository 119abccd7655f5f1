from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.app import Gateway, routes
from gateway.contract import Upload
from gateway.http.openapi.row import FORM, Row
from gateway.http.openapi.rows import GROUPS, ROWS
from gateway.http.schema.check import check
from gateway.settings import load
from tests.support.fakes import logging_put_back

WITH_BODY = [row for row in ROWS if row.body is not None]


def name(row: Row) -> str:
    return f"{row.method} {row.path}"


def test_there_is_a_row_for_each_route_and_a_route_for_each_row(tmp_path: Path) -> None:
    """HEAD is what GET is, without the body. Two routes of one path are told apart by a header, and have one row."""
    with logging_put_back():
        served = routes(Gateway(load({"GATEWAY_LOG_DIR": str(tmp_path)})))
    pairs = {(method, nameless(route.path)) for route in served for method in (route.methods or set()) - {"HEAD"}}
    told = [(row.method, nameless(row.path)) for row in ROWS]
    assert sorted(told) == sorted(pairs)
    assert len(set(told)) == len(told)


def nameless(path: str) -> str:
    """The path without the names of what stands in it: ``/v1/models/{:path}``."""
    return re.sub(r"\{\w+", "{", path)


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_each_row_is_of_a_group_and_says_what_its_route_does(row: Row) -> None:
    assert row.group in GROUPS
    assert row.summary
    assert not row.summary.endswith(".")


@pytest.mark.parametrize("row", WITH_BODY, ids=name)
def test_each_example_fits_its_body(row: Row) -> None:
    assert row.body is not None and row.example is not None
    check(
        row.body, {name: uploaded(value) for name, value in row.example.items()} if row.takes == FORM else row.example
    )


def uploaded(value: str) -> str | Upload:
    """A form's field as it arrives; ``@`` stands before the name of a file."""
    return Upload(value[1:], b"some bytes", "application/octet-stream") if value.startswith("@") else value
