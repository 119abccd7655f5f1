from __future__ import annotations

import pytest

from gateway.settings import ConfigError
from gateway.settings.environment import VARIABLES, read

WHOLE = "expected a whole number from {} to {}, got {!r}"
BOOLEAN = "expected true, false, 1, 0, yes, no, on or off, got {!r}"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("AI_MODEL_PROVIDER", "anthropic", "expected gemini or openai, got 'anthropic'"),
        *((name, "maybe", BOOLEAN.format("maybe")) for name in ("IVY_MODAL_HEURISTICS", "IVY_ORGANIC_ENABLED")),
        *(
            (name, text, WHOLE.format(1, 1_000_000, text))
            for name in ("AI_RATE_LIMIT_PER_MIN", "AI_BURST_LIMIT")
            for text in ("0", "-1", "1.5", "1000001", "many", "²", "1_0", "9" * 5000)
        ),
        *(("GATEWAY_PORT", text, WHOLE.format(0, 65535, text)) for text in ("65536", "-1", "http")),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_value_stops_the_start_and_names_its_variable(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read({name: text})
    assert str(caught.value) == f"environment variable {name}: {message}"


def test_every_bad_variable_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        read({"GATEWAY_PORT": "x", "AI_BURST_LIMIT": "x"})
    assert [problem.where for problem in caught.value.problems] == [
        "environment variable AI_BURST_LIMIT",
        "environment variable GATEWAY_PORT",
    ]


@pytest.mark.parametrize(
    ("texts", "value"),
    [(["true", "TRUE", "1", "yes", "Yes", "on", "ON"], True), (["false", "False", "0", "no", "NO", "off"], False)],
)
def test_booleans_are_written_in_several_ways(texts: list[str], value: bool) -> None:
    assert [read({"IVY_ORGANIC_ENABLED": text}).get("IVY_ORGANIC_ENABLED") for text in texts] == [value] * len(texts)


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_a_variable_set_to_nothing_counts_as_not_set(text: str) -> None:
    assert read(dict.fromkeys(VARIABLES, text)).values == {}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("GATEWAY_PORT", " 80 ", 80), ("AI_MODEL_PROVIDER", "OpenAI", "openai"), ("ACTIVE_MODEL", "m", "m")],
)
def test_a_good_value_is_parsed(name: str, text: str, value: object) -> None:
    assert read({name: text}).get(name) == value


def test_a_misspelt_variable_is_warned_of_and_a_foreign_one_is_not() -> None:
    environment = read({"AI_RATE_LIMIT_PER_MINUTE": "3", "AI_QUITE_SOMETHING_ELSE": "3", "EDITOR": "vi"})
    assert environment.warnings == (
        "environment variable AI_RATE_LIMIT_PER_MINUTE is not one of the gateway's; "
        "did you mean 'AI_RATE_LIMIT_PER_MIN'?",
    )
