"""A model's answer as JSON of plain, one-line texts."""

from __future__ import annotations

import json
import math
from typing import Any

from policies.common.plain import one_line

#: A longer or deeper answer is no payload.
LONGEST, DEEPEST, MOST_DIGITS = 65_536, 32, 40


def parsed(answer: str) -> Any:
    """The JSON value of an answer, which may stand in a code fence or between other words; its texts on one line
    each. Raises ValueError, whose words can be shown to the model."""
    if len(answer) > LONGEST:
        raise ValueError(f"the answer has over {LONGEST} characters")
    text = answer.strip()
    begin, end = text.find("{"), text.rfind("}")
    if begin < 0:
        raise ValueError("the answer holds no JSON object")
    try:
        return _clean(_loads(text, begin, end), 0)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _loads(text: str, begin: int, end: int) -> Any:
    """From the first brace to the last or, where words with braces follow, to the end of the first object."""
    try:
        return DECODER.decode(text[begin : end + 1])
    except ValueError as error:
        try:
            return DECODER.raw_decode(text, begin)[0]
        except ValueError:
            raise ValueError(f"not valid JSON: {error}") from None


def _clean(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        raise ValueError("the JSON is nested too deeply")
    if isinstance(value, str):
        return one_line(value, len(value))
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {one_line(key, len(key)): _clean(inner, depth + 1) for key, inner in value.items()}
    return value


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of over {MOST_DIGITS} digits")
    return int(digits)


def _real(digits: str) -> float:
    value = float(digits)
    if len(digits) > MOST_DIGITS or not math.isfinite(value):
        raise ValueError("a number that is too large, or has too many digits")
    return value


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_real, parse_constant=_constant)
