from __future__ import annotations

from typing import Any

import pytest

from gateway.prompt_size import IMAGE_TOKENS, PromptSize, prompt_size

PICTURE = "data:image/png;base64," + "A" * 1_000_000


def content(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def test_a_text_counts_by_its_bytes() -> None:
    assert prompt_size({"a": "x" * 100}).text == 100
    assert prompt_size({"a": "é" * 100}).text == 200
    assert prompt_size({"a": "\ud800"}).text == 3


def test_all_of_a_request_counts_its_tools_and_schemas_too() -> None:
    words = "w" * 1000
    tools = [
        {"type": "function", "function": {"name": "f", "description": words, "parameters": {words: {"type": words}}}}
    ]
    assert 3000 <= prompt_size({"tools": tools}).text <= 3200


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": PICTURE, "detail": "high"}},
        {"type": "image_url", "image_url": {"url": "https://a.example/picture.png"}},
        {"type": "input_image", "image_url": PICTURE},
    ],
    ids=["embedded", "by address", "of a response"],
)
def test_an_image_counts_as_one_however_large_it_is(part: dict[str, Any]) -> None:
    size = prompt_size(content(part, {"type": "text", "text": "What is this?"}))
    assert size.other == IMAGE_TOKENS
    assert size.text < 120


def test_a_file_and_a_recording_count_by_their_size() -> None:
    sizes = [
        prompt_size(content({"type": "input_audio", "input_audio": {"data": "A" * length, "format": "wav"}})).other
        for length in (64_000, 128_000)
    ]
    assert sizes[1] == 2 * sizes[0] > 1000
    assert prompt_size(content({"type": "file", "file": {"file_data": PICTURE}})).text < 100


def test_a_text_that_looks_like_something_embedded_is_a_text() -> None:
    assert prompt_size({"messages": [{"role": "user", "content": "data:" + "x" * 1000}]}).text > 1000


def test_each_token_of_an_embedding_s_input_is_one() -> None:
    assert prompt_size({"input": [[1, 2, 3], [4, 5]]}).most == 5


@pytest.mark.parametrize(("size", "likely", "most"), [(PromptSize(100, 7), 32, 57), (PromptSize(1, 0), 0, 1)])
def test_more_than_likely_is_the_most(size: PromptSize, likely: int, most: int) -> None:
    assert (size.likely, size.most) == (likely, most)
