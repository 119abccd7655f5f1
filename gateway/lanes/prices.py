"""What a model's work costs, and how long its answers may be: what the file says of it, else what LiteLLM's map does.

One price a unit: what costs more beyond a certain length, in another tier or in a batch is counted at the plain price.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import litellm

from gateway.billing import Price

#: ``Price``'s fields, by LiteLLM's names.
NAMES: Mapping[str, str] = {
    "input_cost_per_token": "input_token",
    "cache_read_input_token_cost": "cached_token",
    "output_cost_per_token": "output_token",
    "output_cost_per_image": "output_image",
    "input_cost_per_character": "input_character",
    "input_cost_per_second": "input_second",
}
LONGEST_ANSWER = "max_output_tokens"


def price(said: Mapping[str, Any], provider: str, model: str) -> Price | None:
    """Of the model that LiteLLM calls ``model`` of ``provider``; ``said`` is the file's own. None where no price is
    known. A price of the file stands in place of all that the map has, or two prices of different times would mix."""
    for source in _sources(said, provider, model):
        found = {field: amount for name, field in NAMES.items() if (amount := _amount(source.get(name))) is not None}
        if found:
            return Price(**found)
    return None


def longest_answer(said: Mapping[str, Any], provider: str, model: str) -> int | None:
    """In tokens; None where nobody says."""
    for source in _sources(said, provider, model):
        amount = _amount(source.get(LONGEST_ANSWER))
        if amount:
            return int(amount)
    return None


def _sources(said: Mapping[str, Any], provider: str, model: str) -> tuple[Mapping[str, Any], ...]:
    return said, *(litellm.model_cost.get(name) or {} for name in (f"{provider}/{model}", model))


def _amount(value: Any) -> float | None:
    """A number, also one that came as a text: from an environment variable, or as YAML reads ``1e-6``."""
    try:
        amount = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
    except ValueError:
        return None
    return amount if 0 <= amount < float("inf") else None
