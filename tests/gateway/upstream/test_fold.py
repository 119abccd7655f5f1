from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import Chunk
from gateway.upstream import fold
from tests.support.fakes import PROPERTY, piece

Json = dict[str, Any]
TEXT = st.text(max_size=30)
CALLS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text("abc1", min_size=1, max_size=5),
            "type": st.just("function"),
            "function": st.fixed_dictionaries({"name": st.sampled_from(["f", "g"]), "arguments": TEXT}),
        }
    ),
    max_size=3,
)
LOGPROB = st.fixed_dictionaries({"token": TEXT, "logprob": st.floats(-10, 0)})


@st.composite
def completions(draw: st.DrawFn) -> Json:
    """Any ``chat.completion`` that a provider may send."""
    choices = []
    for index in range(draw(st.integers(1, 3))):
        message: Json = {"role": "assistant", "content": draw(st.none() | TEXT)}
        for key in ("refusal", "reasoning_content"):
            if draw(st.booleans()):
                message[key] = draw(TEXT)
        calls = draw(CALLS)
        if calls:
            message["tool_calls"] = calls
        tokens = draw(st.lists(LOGPROB, max_size=4))
        logprobs = {"content": tokens, "refusal": None} if tokens else None
        finish = draw(st.sampled_from(["stop", "length", "tool_calls"]))
        choices.append({"index": index, "message": message, "logprobs": logprobs, "finish_reason": finish})
    top = {"id": "c1", "created": 1, "model": "m", "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    return {"object": "chat.completion", **top, "choices": choices}


def pieces(draw: st.DrawFn, text: str) -> list[str]:
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    places = [0, *cuts, len(text)]
    return [text[start:end] for start, end in itertools.pairwise(places)]


def merged(draw: st.DrawFn, lists: list[list[Any]]) -> list[Any]:
    """All lists in one, each in its own order."""
    left = [list(one) for one in lists if one]
    made = []
    while left:
        one = draw(st.sampled_from(left))
        made.append(one.pop(0))
        left = [one for one in left if one]
    return made


def deltas(draw: st.DrawFn, message: Json) -> list[Json]:
    """A message's pieces: the role first, then texts and calls in any mixture."""
    texts = [key for key in ("content", "refusal", "reasoning_content") if message.get(key) is not None]
    sequences: list[list[Json]] = [[{key: part} for part in pieces(draw, message[key])] for key in texts]
    calls: list[Json] = []  # calls begin one after another
    for index, call in enumerate(message.get("tool_calls") or ()):
        first, *more = pieces(draw, call["function"]["arguments"])
        whole = {**call, "index": index, "function": {**call["function"], "arguments": first}}
        parts = [whole, *({"index": index, "function": {"arguments": part}} for part in more)]
        calls += [{"tool_calls": [part]} for part in parts]
    return [{"role": "assistant", "content": None}, *merged(draw, [*sequences, calls])]


@st.composite
def streams(draw: st.DrawFn) -> tuple[Json, list[Chunk]]:
    """A completion and one of the streams that it can come as."""
    whole = draw(completions())
    choices: list[list[Json]] = []
    for choice in whole["choices"]:
        index = choice["index"]
        made = [{"index": index, "delta": delta, "finish_reason": None} for delta in deltas(draw, choice["message"])]
        tokens = (choice["logprobs"] or {}).get("content", ())
        made += [{"index": index, "delta": {}, "logprobs": {"content": [token], "refusal": None}} for token in tokens]
        choices.append([*made, {"index": index, "delta": {}, "finish_reason": choice["finish_reason"]}])
    top = {key: whole[key] for key in ("id", "created", "model")}
    chunks = [Chunk({**top, "object": "chat.completion.chunk", "choices": [one]}) for one in merged(draw, choices)]
    return whole, [*chunks, Chunk({**top, "choices": [], "usage": whole["usage"]})]


@PROPERTY
@given(streams())
def test_however_a_completion_is_split_it_comes_together_again(stream: tuple[Json, list[Chunk]]) -> None:
    whole, chunks = stream
    assert fold.completion(chunks) == whole


@PROPERTY
@given(completions())
def test_a_reply_in_one_chunk_is_the_same(whole: Json) -> None:
    choices = [{**choice, "delta": choice["message"]} for choice in whole["choices"]]
    for choice in choices:
        del choice["message"]
    folded = fold.completion([Chunk({**whole, "choices": choices})])
    assert folded == whole


CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def message(*chunks: Chunk) -> Json:
    made: Json = fold.completion(chunks)["choices"][0]["message"]
    return made


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([piece(tool_calls=[CALL]), piece(tool_calls=None)], id="null after"),
        pytest.param(
            [piece(tool_calls=None), piece(tool_calls=[CALL])],
            id="null before",
        ),
        pytest.param(
            [piece(tool_calls=[CALL]), piece(tool_calls=[])],
            id="empty after",
        ),
        pytest.param([piece(tool_calls=[]), piece(tool_calls=[CALL])], id="empty before"),
    ],
)
def test_chunks_without_calls_do_not_touch_the_calls(chunks: list[Chunk]) -> None:
    calls = message(*chunks)["tool_calls"]
    assert [call["function"] for call in calls] == [{"name": "f", "arguments": "{}"}]


def test_a_null_before_a_function_call_is_nothing() -> None:
    chunks = [piece(function_call=None), piece(function_call={"name": "f", "arguments": "{"})]
    assert message(*chunks, piece(function_call={"arguments": "}"}))["function_call"]["arguments"] == "{}"


def test_a_call_s_index_does_not_leave_the_stream() -> None:
    assert "index" not in message(piece(tool_calls=[CALL]))["tool_calls"][0]


def test_calls_without_an_index_are_calls_of_their_own() -> None:
    call = {key: value for key, value in CALL.items() if key != "index"}
    assert len(message(piece(tool_calls=[call]), piece(tool_calls=[call]))["tool_calls"]) == 2


def tool(**fields: Any) -> dict[str, Any]:
    name, arguments = fields.pop("name", None), fields.pop("arguments", None)
    return {**fields, "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    "pieces",
    [
        [tool(index=0, id="1", name="f", arguments='{"a":1}'), tool(index=0, id="2", name="g", arguments='{"b":2}')],
        [
            tool(index=None, id="1", name="f", arguments='{"a":1}'),
            tool(index=None, id="2", name="g", arguments='{"b":2}'),
        ],
        [
            tool(index=0, id="1", name="f", arguments='{"a"'),
            tool(index=0, id="", name="", arguments=":1}"),
            tool(index=1, id="2", name="g", arguments='{"b":2}'),
        ],
        [
            tool(id="1", name="f", arguments='{"a"'),
            tool(arguments=":1}"),
            tool(id="2", name="g", arguments='{"b":2}'),
        ],
    ],
    ids=["one index for two", "null for an index", "empty id and name", "no index"],
)
def test_calls_of_servers_that_count_oddly_are_told_apart(pieces: list[dict[str, Any]]) -> None:
    calls = message(*(piece(tool_calls=[one]) for one in pieces))["tool_calls"]
    found = [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls]
    assert found == [("1", "f", '{"a":1}'), ("2", "g", '{"b":2}')]


def test_a_choice_has_the_fields_that_clients_rely_on() -> None:
    (choice,) = fold.completion([piece("a")])["choices"]
    assert choice == {
        "index": 0,
        "message": {"role": "assistant", "content": "a"},
        "logprobs": None,
        "finish_reason": None,
    }


def test_folding_changes_no_chunk() -> None:
    chunks = [piece("a", tool_calls=[CALL]), piece("b", tool_calls=[{"index": 0, "function": {"arguments": "x"}}])]
    before = repr(chunks)
    first = fold.completion(chunks)
    assert repr(chunks) == before
    assert fold.completion(chunks) == first


@pytest.mark.parametrize(
    ("chunks", "text"),
    [([piece("a"), piece("b", index=1), piece("c")], "ac"), ([piece(tool_calls=[CALL])], ""), ([], "")],
)
def test_the_text_is_the_first_choice_s(chunks: list[Chunk], text: str) -> None:
    assert fold.text(fold.completion(chunks)) == text


def test_lists_go_on_and_other_fields_are_replaced() -> None:
    noted = [piece(annotations=[1], mood="a"), piece(annotations=[2], mood=None), piece(annotations=[], mood="b")]
    before = repr(noted)
    folded = message(*noted)
    assert (folded["annotations"], folded["mood"], repr(noted)) == ([1, 2], "b", before)
