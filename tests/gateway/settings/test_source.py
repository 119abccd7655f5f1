from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from gateway.settings.source import ConfigError, Document, Filled, Location, Problem, near_miss, nearest, validate


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    size: int = 1


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    maybe: Inner | None = None
    many: tuple[Inner, ...] = Field(default=(), strict=False)
    named: dict[str, Inner] = Field(default_factory=dict)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        validate(Document(Path("a.yaml"), text), Outer)
    return str(caught.value).split("\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [", "a.yaml:1: not valid YAML: expected the node content, but found '<stream end>'"),
        (b"a: 1\nb: *c\n", "a.yaml:2: not valid YAML: found undefined alias 'c'"),
        (b"--- a\n--- b\n", "a.yaml:2: not valid YAML: but found another document"),
        (b"a: \x00", "a.yaml: not valid YAML: unacceptable character #x0000: special characters are not allowed"),
        (b"a: 2023-13-01", "a.yaml: not valid YAML: month must be in 1..12"),
        (b"a: &b [*b]", "a.yaml: a value holds itself, or is nested too deeply"),
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", "a.yaml:4: the key 'c' stands here a second time (first in line 3)"),
        (b"\xff\xfea", "a.yaml: can't be read: it is not UTF-8"),
        (
            b"a: !!python/object:os.system x",
            "a.yaml:1: not valid YAML: could not determine a constructor for the tag "
            "'tag:yaml.org,2002:python/object:os.system'",
        ),
    ],
)
def test_a_file_that_can_t_be_parsed_says_where_and_why(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        Document.read(path)
    assert str(caught.value) == message.replace("a.yaml", str(path))


def test_a_missing_file_and_a_folder_can_t_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: can't be read: there is no such file$"):
        Document.read(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match="can't be read: Is a directory$"):
        Document.read(tmp_path)


def test_a_merge_key_may_stand_twice() -> None:
    text = "a: &a {x: 1}\nb: &b {y: 2}\nc:\n  <<: *a\n  <<: *b\n"
    assert Document(Path("a.yaml"), text).data["c"].keys() <= {"x", "y"}


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.integers(), min_size=1, max_size=3), min_size=1))
def test_the_line_of_every_value_is_known(data: dict[str, list[int]]) -> None:
    lines = ["# a comment"]
    expected: dict[Location, int] = {}
    for key, items in data.items():
        lines.append(f"{key}:")
        expected[(key,)] = len(lines)
        for index, item in enumerate(items):
            lines.append(f"  - {item}")
            expected[(key, index)] = len(lines)
    document = Document(Path("a.yaml"), "\n".join(lines))
    assert {location: document.line(location) for location in expected} == expected


def test_what_is_absent_is_reported_where_it_would_stand() -> None:
    assert Document(Path("a.yaml"), "a: 1\nb:\n  c: 2\n").line(("b", "d", 3)) == 2
    assert Document(Path("a.yaml"), "").line(("b",)) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "a.yaml:1: 'name' is missing"),
        ("name: x\nnaem: y", "a.yaml:2: unknown key 'naem'; did you mean 'name'?"),
        ("name: x\nzzz: y", "a.yaml:2: unknown key 'zzz'; valid here: many, maybe, name, named"),
        ("name: x\nmaybe: {siz: 1}", "a.yaml:2: unknown key 'maybe.siz'; did you mean 'size'?"),
        ("name: x\nmany:\n- {siz: 1}", "a.yaml:3: unknown key 'many.0.siz'; did you mean 'size'?"),
        ("name: x\nnamed: {k: {siz: 1}}", "a.yaml:2: unknown key 'named.k.siz'; did you mean 'size'?"),
        ("name: 3", "a.yaml:1: 'name': expected text, got 3"),
        ("name:", "a.yaml:1: 'name': expected text, got nothing"),
        ("name: x\nmany: 3", "a.yaml:2: 'many': expected a list, got 3"),
        ("name: x\nmany: {a: 1}", "a.yaml:2: 'many': expected a list, got a mapping"),
        ("name: x\nmany: [3]", "a.yaml:2: 'many.0': expected a mapping, got 3"),
        ("name: x\nnamed: [a]", "a.yaml:2: 'named': expected a mapping, got a list"),
        ("name: x\nmaybe: {size: '1'}", "a.yaml:2: 'maybe.size': expected a valid integer, got '1'"),
        ("- a", "a.yaml:1: 'the file': expected a mapping, got a list"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(text: str, message: str) -> None:
    assert problems(text) == [message]


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert problems("naem: x\nmany: 3") == [
        "a.yaml:1: 'name' is missing",
        "a.yaml:2: 'many': expected a list, got 3",
        "a.yaml:1: unknown key 'naem'; did you mean 'name'?",
    ]


@pytest.mark.parametrize(
    ("name", "valid", "hint"),
    [
        ("burts", ["burst", "errors"], "; did you mean 'burst'?"),
        ("q", ["b", "a"], "; valid here: a, b"),
        ("q", [], ""),
    ],
)
def test_the_nearest_name_is_offered_else_all_of_them(name: str, valid: list[str], hint: str) -> None:
    assert nearest(name, valid) == hint


def test_a_problem_of_the_environment_has_no_line() -> None:
    assert str(Problem("environment variable X", "is wrong")) == "environment variable X: is wrong"


def test_part_of_a_file_is_reported_where_it_stands() -> None:
    document = Document(Path("a.yaml"), "x:\n  y:\n    name: 3\n")
    data: Any = document.data["x"]["y"]
    with pytest.raises(ConfigError, match=r"^a\.yaml:3: 'x\.y\.name': expected text, got 3$"):
        validate(document, Outer, at=("x", "y"), data=data)


class Secretive(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    api_key: int = 0
    first_token_seconds: float = 0
    password: str = ""
    size: int = 0
    inner: Inner | None = None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("api_key: sk-of-the-test", "a text"),
        ("password: 1234567", "a value"),
        ("inner: sk-of-the-test", "a text"),
        ("first_token_seconds: [1]", "a list"),
        ("size: 1.5", "1.5"),
        ("size: five", "'five'"),
        (f"size: {'x' * 100}", f"'{'x' * 39}..."),
    ],
)
def test_what_may_be_a_secret_is_not_printed_and_nothing_long_is(text: str, shown: str) -> None:
    with pytest.raises(ConfigError) as caught:
        validate(Document(Path("a.yaml"), text), Secretive)
    assert str(caught.value).endswith(f", got {shown}")


def test_a_number_under_a_name_with_token_in_it_is_a_setting() -> None:
    class Timeouts(BaseModel):
        first_token_seconds: float = Field(gt=0)

    with pytest.raises(ConfigError, match="greater than 0, got -1$"):
        validate(Document(Path("a.yaml"), "first_token_seconds: -1"), Timeouts)


def test_a_value_from_the_environment_is_told_by_its_variable_or_its_kind() -> None:
    document = Document(Path("a.yaml"), "name: x\nmaybe: {size: os.environ/SIZE}")
    at: Location = ("maybe", "size")
    sourced, unset = Filled(sourced={at}), Filled(unset={at: "SIZE"})
    for filled, value, told in ((sourced, "hush", "a valid integer, got a text"), (unset, None, "SIZE is not set")):
        with pytest.raises(ConfigError) as caught:
            validate(document, Outer, data={"name": "x", "maybe": {"size": value}}, filled=filled)
        assert str(caught.value).endswith(told)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("drop_parms", "; did you mean 'drop_params'?"), ("dropped", ""), ("cache_params", "")],
)
def test_only_a_near_miss_is_taken_for_a_mistyped_word(name: str, hint: str) -> None:
    assert near_miss(name, ["drop_params", "fallbacks"]) == hint
