from __future__ import annotations

from typing import Any, Literal

import pytest
from openai.types import responses as theirs
from openai.types.responses import response_input_item_param as items
from openai.types.responses.response_function_call_output_item_list_param import ResponseFunctionCallOutputItemParam
from openai.types.responses.response_input_content_param import ResponseInputContentParam
from pydantic import TypeAdapter
from typing_extensions import get_type_hints

from gateway.http import schema
from gateway.http.schema import response_items as ours
from tests.support.parameter_types import kinds, literals, tags
from tests.support.schema import refused

ITEM: TypeAdapter[Any] = TypeAdapter(dict[Literal["item"], ours.Item])
HELLO = {"role": "user", "content": "hello"}
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "rain"}
REASONING = {"type": "reasoning", "summary": []}
MESSAGE = [theirs.EasyInputMessageParam, items.Message, theirs.ResponseOutputMessageParam]
#: Our tables, and those of OpenAI's client that each stands for.
TABLES: dict[str, tuple[Any, list[Any]]] = {
    "asking message": (ours.AskingMessage, [*MESSAGE]),
    "answering message": (ours.AnsweringMessage, [*MESSAGE]),
    "function call": (ours.FunctionCall, [theirs.ResponseFunctionToolCallParam]),
    "function call output": (ours.FunctionCallOutput, [items.FunctionCallOutput]),
    "reasoning": (ours.Reasoning, [theirs.ResponseReasoningItemParam]),
    "item reference": (ours.ItemReference, [items.ItemReference]),
    "input text": (ours.InputText, [theirs.ResponseInputTextParam, theirs.ResponseInputTextContentParam]),
    "input image": (ours.InputImage, [theirs.ResponseInputImageParam, theirs.ResponseInputImageContentParam]),
    "input file": (ours.InputFile, [theirs.ResponseInputFileParam, theirs.ResponseInputFileContentParam]),
    "output text": (ours.OutputText, [theirs.ResponseOutputTextParam]),
    "refusal": (ours.Refused, [theirs.ResponseOutputRefusalParam]),
}
#: What our own replies and the client's ``parse`` have beside OpenAI's fields, and clients send back.
BESIDE = {"function call": {"provider_specific_fields", "parsed_arguments"}, "output text": {"parsed"}}


def hints(tables: list[Any]) -> dict[str, set[Any]]:
    found: dict[str, set[Any]] = {}
    for table in tables:
        for name, hint in get_type_hints(table).items():
            found.setdefault(name, set()).update(literals(hint))
    return found


@pytest.mark.parametrize("name", list(TABLES))
def test_each_table_has_what_openai_s_client_can_send(name: str) -> None:
    mine, their = TABLES[name]
    found, expected = hints([mine]), hints(their)
    assert set(found) == set(expected) | BESIDE.get(name, set())
    for field in set(expected) - {"role", "type"}:
        assert found[field] - {None} == expected[field] - {None}, field
    assert found["type"] <= expected["type"] | {None}


def test_the_roles_are_openai_s() -> None:
    roles = hints([ours.AskingMessage])["role"] | hints([ours.AnsweringMessage])["role"]
    assert roles == hints(MESSAGE)["role"] == tags(ours.Message)


def test_every_kind_of_item_is_known() -> None:
    assert tags(ours.Item) == kinds(items.ResponseInputItemParam)


def test_every_kind_of_part_is_known() -> None:
    assert tags(ours.InputPart) == kinds(ResponseInputContentParam) == kinds(ResponseFunctionCallOutputItemParam)
    assert tags(ours.OutputPart) == {"output_text", "refusal", "input_text"}


@pytest.mark.parametrize(
    "item",
    [
        HELLO,
        {**HELLO, "type": "message", "id": "msg_1", "status": "completed", "phase": None},
        {"role": "developer", "content": [{"type": "input_text", "text": "a"}]},
        {"role": "user", "content": [{"type": "input_image", "image_url": "data:,", "detail": "original"}]},
        {"role": "user", "content": [{"type": "input_file", "file_data": "AA", "filename": "a.pdf"}]},
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "a", "annotations": [], "logprobs": []}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "content": []},
        CALL,
        {**CALL, "id": "fc_1", "status": "completed", "provider_specific_fields": {"a": "b"}},
        OUTPUT,
        {**OUTPUT, "output": [{"type": "input_text", "text": "a"}]},
        REASONING,
        {**REASONING, "id": "rs_1", "summary": [{"type": "summary_text", "text": "a"}], "encrypted_content": "x"},
        {"id": "msg_1"},
        {"type": "item_reference", "id": "msg_1"},
        {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "x"}},
        {"type": "compaction_trigger"},
    ],
)
def test_an_item_is_accepted(item: dict[str, Any]) -> None:
    schema.check(ITEM, {"item": item})


@pytest.mark.parametrize(
    ("item", "code", "param"),
    [
        ({}, "invalid_value", "item.type"),
        ("hello", "invalid_value", "item.type"),
        ({"type": "mystery"}, "invalid_value", "item.type"),
        ({"type": ["message"]}, "invalid_value", "item.type"),
        ({"content": "a"}, "invalid_value", "item.role"),
        ({"role": "tool", "content": "a"}, "invalid_value", "item.role"),
        ({**HELLO, "api_base": "x"}, "unknown_parameter", "item.api_base"),
        ({**CALL, "x": 1}, "unknown_parameter", "item.x"),
        ({"type": "function_call", "call_id": "c"}, "missing_required_parameter", "item.name"),
        ({"role": "user", "content": [{"type": "output_text", "text": "a"}]}, "invalid_value", "item.content[0].type"),
        (
            {"role": "user", "content": [{"type": "input_text", "text": "a", "x": 1}]},
            "unknown_parameter",
            "item.content[0].x",
        ),
        ({"role": "user", "content": []}, "invalid_value", "item.content"),
        ({**OUTPUT, "output": 5}, "invalid_type", "item.output"),
    ],
)
def test_what_is_wrong_with_an_item_is_named(item: Any, code: str, param: str) -> None:
    error = refused(ITEM, {"item": item})
    assert (error.code, error.param) == (code, param)
