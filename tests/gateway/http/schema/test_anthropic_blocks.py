from __future__ import annotations

from typing import Any, get_args

import pytest
from anthropic import types
from typing_extensions import get_type_hints

from gateway.http import schema
from gateway.http.schema import anthropic_blocks as ours
from gateway.http.schema.anthropic import COUNT
from tests.support.parameter_types import kinds, tags
from tests.support.schema import refused

TEXT = {"type": "text", "text": "a"}
IMAGE = {"type": "image", "source": {"type": "url", "url": "https://a"}}
RESULT = {"type": "tool_result", "tool_use_id": "t"}
USE = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
#: Blocks that only Anthropic's own services make and read.
THEIRS_ALONE = {
    "bash_code_execution_tool_result",
    "code_execution_tool_result",
    "container_upload",
    "server_tool_use",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "web_fetch_tool_result",
    "web_search_tool_result",
}
#: Fields of Anthropic's that are not carried.
NOT_CARRIED = {"ImageBlock": {"transformations"}}


def asked(*content: Any, role: str = "user") -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": role, "content": list(content)}]}


def union(field: Any) -> Any:
    """The union of blocks in a list that may be a text too."""
    (tagged, _) = get_args(get_type_hints(field, include_extras=True)["content"])
    listed = next(one for one in get_args(tagged) if get_args(one)[0] is not str and "list" in str(get_args(one)[0]))
    return get_args(get_args(listed)[0])[0]


def test_the_blocks_are_those_of_anthropic_s_client() -> None:
    carried = tags(union(ours.UserMessage)) | tags(union(ours.AssistantMessage))
    assert carried | THEIRS_ALONE == kinds(types.ContentBlockParam)
    assert not carried & THEIRS_ALONE


@pytest.mark.parametrize(
    "name",
    ["TextBlock", "ImageBlock", "DocumentBlock", "SearchResultBlock", "ToolResultBlock", "ToolUseBlock"],
)
def test_their_fields_are_those_of_anthropic_s_client(name: str) -> None:
    theirs = set(get_type_hints(getattr(types, f"{name}Param"))) - NOT_CARRIED.get(name, set())
    assert set(get_type_hints(getattr(ours, name))) == theirs


@pytest.mark.parametrize(
    ("role", "block"),
    [
        ("user", TEXT),
        ("user", {**TEXT, "cache_control": {"type": "ephemeral"}, "citations": None}),
        ("user", IMAGE),
        ("user", {"type": "document", "source": {"type": "content", "content": [TEXT, IMAGE]}, "title": None}),
        ("user", {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": ""}}),
        ("user", {**RESULT, "content": "a", "is_error": True}),
        ("user", {**RESULT, "content": [TEXT, IMAGE]}),
        ("user", RESULT),
        ("assistant", TEXT),
        ("assistant", USE),
        ("assistant", {**USE, "caller": {"type": "direct"}, "toolset_name": None}),
        ("assistant", {"type": "thinking", "thinking": "", "signature": ""}),
        ("assistant", {"type": "redacted_thinking", "data": "x"}),
        ("system", TEXT),
    ],
)
def test_every_kind_of_block_is_accepted(role: str, block: dict[str, Any]) -> None:
    schema.check(COUNT, asked(block, role=role))


@pytest.mark.parametrize(
    ("role", "block", "param", "says"),
    [
        ("user", {**TEXT, "x": 1}, "messages[0].content[0].x", "Unknown"),
        ("user", USE, "messages[0].content[0].type", "'tool_result'"),
        ("user", {"type": "server_tool_use", "id": "s"}, "messages[0].content[0].type", "'text'"),
        ("user", "text", "messages[0].content[0].type", "'text'"),
        ("assistant", IMAGE, "messages[0].content[0].type", "'tool_use'"),
        ("assistant", {**USE, "input": "{}"}, "messages[0].content[0].input", "valid dictionary"),
        ("system", IMAGE, "messages[0].content[0].type", "'text'"),
        (
            "user",
            {"type": "image", "source": {"type": "file", "file_id": "f"}},
            "messages[0].content[0].source.type",
            "url",
        ),
        (
            "user",
            {"type": "image", "source": {"type": "base64", "media_type": "a;b", "data": "AA"}},
            "messages[0].content[0].source.media_type",
            "pattern",
        ),
        (
            "user",
            {"type": "document", "source": {"type": "url", "url": "https://a"}},
            "messages[0].content[0].source.type",
            "'base64'",
        ),
        (
            "user",
            {"type": "document", "source": {"type": "content", "content": "a"}, "citations": {"enabled": True}},
            "messages[0].content[0].citations.enabled",
            "makes no citations",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(role: str, block: Any, param: str, says: str) -> None:
    error = refused(COUNT, asked(block, role=role))
    assert error.param == param
    assert says in error.message


@pytest.mark.parametrize("role", ["tool", "developer", "", None])
def test_only_anthropic_s_roles_speak(role: Any) -> None:
    assert refused(COUNT, asked(TEXT, role=role)).param == "messages[0].role"
