from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.common.placeholders import LONGEST, Originals, Placeholders, Restorer, label
from tests.support.fakes import PROPERTY

ORIGINALS = Originals({"EMAIL_1": "ann@example.com", "CN_CODE_12": 'say "hi"\\\n'})


def restored(*texts: str, in_json: bool = False) -> str:
    restorer = Restorer(ORIGINALS, in_json=in_json)
    return "".join([*map(restorer.feed, texts), restorer.flush()])


def test_a_piece_keeps_its_placeholder_and_each_kind_counts_for_itself() -> None:
    made = Placeholders([])
    given_out = [
        made.of(piece, kind) for piece, kind in (("a", "email"), ("b", "phone"), ("a", "email"), ("c", "email"))
    ]
    assert given_out == ["[EMAIL_1]", "[PHONE_1]", "[EMAIL_1]", "[EMAIL_2]"]
    assert made.originals == {"EMAIL_1": "a", "PHONE_1": "b", "EMAIL_2": "c"}


@pytest.mark.parametrize("text", ["[EMAIL_1]", "[email_1]", r"[Email\_1]", "[EMAIL 1]", "x[[EMAIL_1]]", r"[EMAIL\\_1]"])
def test_what_a_text_says_already_is_no_placeholder(text: str) -> None:
    assert Placeholders(["", text]).of("a", "email") == "[EMAIL_2]"


def test_nor_is_what_two_texts_say_together() -> None:
    assert Placeholders(["[EMAIL", "_1]"]).of("a", "email") == "[EMAIL_2]"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("customer-number", "CUSTOMER_NUMBER"), ("straße", "STRASSE"), ("kürzel", "K_RZEL"), ("номер", "PERSONAL")],
)
def test_a_placeholder_is_ascii(kind: str, expected: str) -> None:
    assert label(kind) == expected


def test_kinds_of_the_same_label_share_their_numbers() -> None:
    made = Placeholders([])
    assert [made.of("a", "cn-x"), made.of("b", "cn_x")] == ["[CN_X_1]", "[CN_X_2]"]


@pytest.mark.parametrize("text", ["[EMAIL_1]", "[email_1]", r"[EMAIL\_1]", r"[EMAIL\\_1]", "[Email 1]"])
def test_a_placeholder_is_known_in_any_spelling(text: str) -> None:
    assert restored(f"to {text}.") == "to ann@example.com."
    assert restored(*f"to {text}.") == "to ann@example.com."


@pytest.mark.parametrize(
    "text", ["[EMAIL_2]", "[EMAIL_01]", "[EMAIL-1]", "[EMAIL_1", "EMAIL_1]", "[]", "[x](y)", "[[", "[E\n1]"]
)
def test_anything_else_stays(text: str) -> None:
    assert restored(text) == text
    assert restored(*text) == text


def test_within_json_a_piece_is_escaped() -> None:
    text = '{"a": "[CN_CODE_12]"}'
    assert json.loads(restored(*text, in_json=True)) == {"a": 'say "hi"\\\n'}
    assert restored(text) == '{"a": "say "hi"\\\n"}'


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("a [", 1),
        ("a [EM", 3),
        ("a [EMAIL_1", 8),
        ("a [EMAIL\\", 7),
        ("[CN_CODE_", 9),
        ("a [x", 0),
        ("[EMAIL_1x", 0),
        ("[1", 0),
        ("[EMAIL_1]", 0),
        ("[ ] [", 1),
        ("[EMAIL_" + "1" * 10, 0),
        ("[" + " " * LONGEST, 0),
    ],
)
def test_only_what_may_become_a_placeholder_is_held_back(text: str, held: int) -> None:
    restorer = Restorer(ORIGINALS)
    restorer.feed(text)
    assert len(restorer.flush()) == held


def test_what_is_restored_is_not_read_again() -> None:
    originals = Originals({"A_1": "[A_2]", "A_2": "x", "A_3": "[A_"})
    restorer = Restorer(originals)
    assert restorer.feed("[A_1] [A_3]") + restorer.feed("2]") + restorer.flush() == "[A_2] [A_2]"


PARTS = st.sampled_from(["[", "]", "EMAIL", "email", "_", "\\", "1", "2", " ", "CN_CODE_12", "[EMAIL_1]", "x", "é"])


@PROPERTY
@given(st.lists(PARTS, max_size=30))
def test_however_a_text_is_cut_the_same_comes_out(parts: list[str]) -> None:
    whole = Restorer(ORIGINALS).whole("".join(parts))
    assert restored(*parts) == restored("".join(parts)) == restored(*"".join(parts)) == whole
