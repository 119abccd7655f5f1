from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.contract import Call, Chunk, Found, InvalidRequest, Operation
from gateway.personal import PersonalData
from policies.redaction import Redaction, RedactionOptions
from tests.support.fakes import PROPERTY, collect, make_call, piece
from tests.support.policies import services

PERSONAL = PersonalData({"customer-number": r"CN-\d{6}", "quoted": '«[^»]*»|"J\\w+ \\w+"'})
ALL = list(PERSONAL.kinds())
ANN, BOB, PHONE, CUSTOMER = "ann@example.com", "дима@пример.рф", "+1 555 123 4567", "CN-123456"


def policy(*hide: str) -> Redaction:
    return Redaction(RedactionOptions(hide=list(hide or ALL)), services(personal=PERSONAL))


def said(text: Any, **params: Any) -> Call:
    return make_call(params={"messages": [{"role": "user", "content": text}], **params})


async def sent(text: Any, *hide: str) -> Any:
    """What of a user's message is sent."""
    return (await policy(*hide).request(said(text))).params["messages"][0]["content"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Write to {ANN}.", "Write to [EMAIL_1]."),
        (f"{ANN}, {BOB}, {ANN}", "[EMAIL_1], [EMAIL_2], [EMAIL_1]"),
        (f"{PHONE} ({CUSTOMER})", "[PHONE_1] ([CUSTOMER_NUMBER_1])"),
        (f"[EMAIL_1] is {ANN}, [email 2] is {BOB}", "[EMAIL_1] is [EMAIL_3], [email 2] is [EMAIL_4]"),
        ("It costs 1,234,567.00 on 2026-11-22.", "It costs 1,234,567.00 on 2026-11-22."),
        ([{"type": "text", "text": ANN}], [{"type": "text", "text": "[EMAIL_1]"}]),
        ("", ""),
    ],
)
async def test_what_is_personal_is_sent_as_placeholders(text: Any, expected: Any) -> None:
    assert await sent(text) == expected


async def test_only_the_chosen_kinds_are_hidden() -> None:
    text = f"{ANN} {PHONE} {CUSTOMER}"
    assert await sent(text, "phone") == f"{ANN} [PHONE_1] {CUSTOMER}"
    assert await sent(text, "email", "customer-number") == f"[EMAIL_1] {PHONE} [CUSTOMER_NUMBER_1]"


async def test_a_placeholder_that_any_part_of_the_request_holds_is_not_given() -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"enum": ["[EMAIL_1]"], "[email_2]": 1}}}]
    assert (await policy().request(said(ANN, tools=tools))).params["messages"][0]["content"] == "[EMAIL_3]"


async def test_the_call_is_not_changed_in_place_and_the_same_where_nothing_is_hidden() -> None:
    call, plain = said(ANN), said("hello")
    made = await policy().request(call)
    assert call.params == {"messages": [{"role": "user", "content": ANN}]} and not call.learnt
    assert made.learnt == {"redaction": {"EMAIL_1": ANN}}
    assert await policy().request(plain) is plain
    nothing = Redaction(RedactionOptions(), services(personal=PERSONAL))
    assert await nothing.request(call) is call


async def test_where_nothing_was_hidden_the_reply_is_handed_back_itself() -> None:
    async def chunks() -> AsyncGenerator[Chunk, None]:
        yield piece("[EMAIL_1]")

    given_chunks = chunks()
    assert policy().response(said("hello"), given_chunks) is given_chunks
    embedding = await policy().request(make_call(operation=Operation.EMBEDDING, params={"input": [ANN]}))
    assert embedding.params == {"input": ["[EMAIL_1]"]}
    assert policy().response(embedding, given_chunks) is given_chunks


def arguments(text: str) -> Call:
    function = {"name": "f", "arguments": text}
    return make_call(params={"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "function": function}]}]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'{{"to": "{ANN}"}}', '{"to": "[EMAIL_1]"}'),
        (f'{{"{ANN}": 1}}', '{"[EMAIL_1]": 1}'),
        ('{"to": "ann\\u0040example.com"}', '{"to": "[EMAIL_1]"}'),
        ('{"note": "a\\n555-123-4567"}', '{"note": "a\\n[PHONE_1]"}'),
        ('{"phone": 15551234567, "n": [1, -2.5e3]}', '{"phone": "[PHONE_1]", "n": [1, -2.5e3]}'),
        ('{"a": "\\"Jo Doe\\" \\ud800"}', '{"a": "[QUOTED_1] \\ud800"}'),
        ('{"a": "\\u00f6"}', '{"a": "\\u00f6"}'),
        (f"no JSON: {ANN}", "no JSON: [EMAIL_1]"),
        ('{"a": ', '{"a": '),
        ("[" * 100_000 + f'"{ANN}"' + "]" * 100_000, "[" * 100_000 + '"[EMAIL_1]"' + "]" * 100_000),
    ],
    ids=range(10),
)
async def test_a_tool_s_arguments_stay_json(text: str, expected: str) -> None:
    made = await policy().request(arguments(text))
    assert made.params["messages"][0]["tool_calls"][0]["function"]["arguments"] == expected


async def test_what_is_nested_beyond_reason_is_refused() -> None:
    nested: Any = ANN
    for _ in range(200):
        nested = [nested]
    with pytest.raises(InvalidRequest, match="nested over"):
        await policy().request(make_call(params={"messages": [{"annotations": nested}]}))


LEARNT = {"redaction": {"EMAIL_1": ANN, "PHONE_1": PHONE, "QUOTED_1": '"Jo Doe"'}}


async def restored(*chunks: Chunk, **params: Any) -> list[Chunk]:
    async def reply() -> AsyncGenerator[Chunk, None]:
        for chunk in chunks:
            yield chunk

    return await collect(policy().response(make_call(learnt=LEARNT, params=params), reply()))


def joined(chunks: Sequence[Chunk]) -> dict[tuple[Any, ...], str]:
    """The texts of a reply, by choice and field."""
    texts: dict[tuple[Any, ...], str] = defaultdict(str)
    for chunk in chunks:
        for choice in chunk.data["choices"]:
            for key, value in choice["delta"].items():
                if key == "tool_calls":
                    for tool in value:
                        texts[choice["index"], tool["index"]] += tool["function"].get("arguments", "")
                elif isinstance(value, Mapping):
                    texts[choice["index"], key] += value["arguments"]
                else:
                    texts[choice["index"], key] += value or ""
    return dict(texts)


def tool(index: int, text: str, **more: Any) -> dict[str, Any]:
    return {"index": index, "function": {"arguments": text}, **more}


async def test_a_whole_reply_gets_the_originals_back() -> None:
    calls = [tool(0, '{"to": "[EMAIL_1]"}', id="a"), tool(1, '["[QUOTED_1]"]', id="b")]
    called = {"name": "f", "arguments": '"[QUOTED_1]"'}
    made = await restored(piece("To [EMAIL_1]", "stop", refusal="[PHONE_1]", tool_calls=calls, function_call=called))
    assert joined(made) == {
        (0, "content"): f"To {ANN}",
        (0, "refusal"): PHONE,
        (0, 0): f'{{"to": "{ANN}"}}',
        (0, 1): '["\\"Jo Doe\\""]',
        (0, "function_call"): '"\\"Jo Doe\\""',
    }
    assert len(made) == 1
    assert [call["id"] for call in made[0].data["choices"][0]["delta"]["tool_calls"]] == ["a", "b"]


@pytest.mark.parametrize("shape", ["json_object", "json_schema"])
async def test_where_the_answer_is_json_it_stays_json(shape: str) -> None:
    made = await restored(piece('{"a": "[QUOTED_1]"}', "stop"), response_format={"type": shape})
    assert json.loads(made[0].text) == {"a": '"Jo Doe"'}
    assert (await restored(piece("[QUOTED_1]", "stop")))[0].text == '"Jo Doe"'


async def test_choices_and_tools_that_come_in_turns_are_told_apart() -> None:
    made = await restored(
        piece("to [EMA"),
        piece("or [PH", index=1),
        piece("IL_1]!"),
        piece(tool_calls=[tool(0, '"[EMAIL'), tool(1, '"[PHO')]),
        piece("ONE_1]", index=1),
        piece(tool_calls=[tool(1, 'NE_1]"')]),
        piece(tool_calls=[tool(0, '_1]"')]),
        piece(finish="stop"),
    )
    assert joined(made) == {
        (0, "content"): f"to {ANN}!",
        (1, "content"): f"or {PHONE}",
        (0, 0): f'"{ANN}"',
        (0, 1): f'"{PHONE}"',
    }


@pytest.mark.parametrize("finish", ["stop", None])
async def test_what_is_held_back_is_given_on_at_the_end(finish: str | None) -> None:
    ends = [piece(finish=finish, index=0), piece(finish=finish, index=1)] if finish else []
    called = {"name": "f", "arguments": "[EM"}
    made = await restored(
        piece("a [EMAIL", refusal="[P"),
        piece("b [", index=1, function_call=called),
        piece(tool_calls=[tool(3, "[EMAIL_1")]),
        *ends,
    )
    assert joined(made) == {
        (0, "content"): "a [EMAIL",
        (0, "refusal"): "[P",
        (1, "content"): "b [",
        (1, "function_call"): "[EM",
        (0, 3): "[EMAIL_1",
    }
    assert made[-1].data["choices"][-1]["finish_reason"] == finish


async def test_the_finishing_chunk_carries_its_own_text_behind_what_was_held_back() -> None:
    made = await restored(piece("[EMAIL"), piece("_1] [", "stop"))
    assert [chunk.text for chunk in made] == ["", f"{ANN} ["]
    made = await restored(piece(tool_calls=[tool(1, "[EM")]), piece(finish="tool_calls", tool_calls=[tool(1, "A")]))
    assert joined(made) == {(0, 1): "[EMA"}


async def test_what_needs_no_change_passes_as_it_is_and_at_once() -> None:
    plain = [piece("Hello "), piece("[x](y) ", role="assistant"), Chunk({"choices": [], "usage": {}}, {"a": 1})]
    made = await restored(*plain)
    assert all(one is other for one, other in zip(made, plain, strict=True))


async def test_chunks_are_not_changed_in_place_and_keep_what_else_they_say() -> None:
    chunk = Chunk({"id": "x", **piece("[EMAIL_1]").data}, {"modal": {"a": ["[EMAIL_1]", 1]}, "intent": "b"})
    before = repr(chunk)
    made = (await restored(chunk))[0]
    assert repr(chunk) == before
    assert made.data["id"] == "x" and made.text == ANN
    assert made.notes == {"modal": {"a": [ANN, 1]}, "intent": "b"}


async def test_what_breaks_the_reply_passes() -> None:
    async def reply() -> AsyncGenerator[Chunk, None]:
        yield piece("[EM")
        raise KeyError("b")

    with pytest.raises(KeyError):
        await collect(policy().response(make_call(learnt=LEARNT), reply()))


PIECES = [
    ANN,
    BOB,
    "o'neil@example.org",
    PHONE,
    "030/12345678",
    "555-123-4567",
    CUSTOMER,
    "CN-654321",
    '"Jo Doe"',
    "«é»",
]
AMONG = st.one_of(
    st.text(st.characters(exclude_categories=["N", "Cs"], exclude_characters='«"'), max_size=6),
    st.sampled_from(
        ["[EMAIL_1]", "[EMAIL", "_1]", "[phone 2]", r"[EMAIL\_2]", "[", "]", "2026-11-22", "1,234.50", "«"]
    ),
)
TEXTS = st.lists(st.tuples(AMONG, st.sampled_from(PIECES)).map(lambda parts: f"{parts[0]} {parts[1]} "), max_size=8)
PLACES = st.lists(st.integers(0, 1000), max_size=30)


def cut(text: str, places: Sequence[int]) -> list[str]:
    at = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[first:last] for first, last in pairwise(at)] or [""]


@PROPERTY
@given(st.lists(TEXTS.map("".join), min_size=1, max_size=3), PLACES, st.booleans())
async def test_nothing_hidden_is_sent_and_an_echo_is_what_was_said(
    texts: list[str], places: list[int], finish: bool
) -> None:
    call = make_call(params={"messages": [{"role": "user", "content": text} for text in texts]})
    made = await policy().request(call)
    out = [message["content"] for message in made.params["messages"]]
    for text in out:
        assert not [secret for secret in PIECES if f" {secret} " in text]
        assert not PERSONAL.find(text)

    async def echo() -> AsyncGenerator[Chunk, None]:
        for part in cut("".join(out), places):
            yield piece(part)
        if finish:
            yield piece(finish="stop")

    back = await collect(policy().response(made, echo()))
    assert "".join(chunk.text for chunk in back) == "".join(texts)


VALUES = st.recursive(
    st.one_of(AMONG, st.sampled_from(PIECES), st.booleans(), st.integers(-1000, 1000), st.floats(-10, 10)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from([*PIECES, "a"]), inner)),
    max_leaves=8,
)


@PROPERTY
@given(VALUES, PLACES, st.booleans())
async def test_a_tool_s_arguments_come_back_as_they_were(value: Any, places: list[int], readable: bool) -> None:
    made = await policy().request(arguments(json.dumps([value], ensure_ascii=not readable)))
    out = made.params["messages"][0]["tool_calls"][0]["function"]["arguments"]
    json.loads(out)

    async def echo() -> AsyncGenerator[Chunk, None]:
        for part in cut(out, places):
            yield piece(tool_calls=[tool(0, part)])

    back = await collect(policy().response(made, echo()))
    assert json.loads(joined(back)[0, 0]) == [value]


@pytest.mark.parametrize("text", ["[EMAIL_", "[", "[EMAIL_1", "[[EMAIL_1]", "\\"])
async def test_a_hostile_reply_costs_little(text: str) -> None:
    started = time.process_time()
    made = await restored(*[piece(text)] * 5000, piece(text * 20_000), piece(finish="stop"))
    assert joined(made)[0, "content"] == (text * 25_000).replace("[EMAIL_1]", ANN)
    assert time.process_time() - started < 5


class Waiting(PersonalData):
    """Finds things only while somebody else is served."""

    def __init__(self, served: threading.Event) -> None:
        super().__init__({})
        self.served = served

    def find(self, text: str) -> list[Found]:
        assert self.served.wait(30)
        return list(super().find(text))


async def test_others_are_served_while_a_long_text_is_searched() -> None:
    served = threading.Event()
    asyncio.get_running_loop().call_later(0.01, served.set)
    made = Redaction(RedactionOptions(hide=["email"]), services(personal=Waiting(served)))
    call = await made.request(said(f"{ANN} " + "x" * 200_000))
    assert call.params["messages"][0]["content"].startswith("[EMAIL_1] x")


def test_a_kind_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="'fax'; what can be hidden is email, phone, customer-number, quoted"):
        policy("email", "fax")


@pytest.mark.parametrize(
    ("options", "words"), [({"hide": "email"}, "valid list"), ({"show": []}, "Extra inputs"), ({"hide": [1]}, "string")]
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        RedactionOptions(**options)
