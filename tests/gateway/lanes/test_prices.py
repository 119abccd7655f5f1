from __future__ import annotations

from typing import Any

import litellm
import pytest

from gateway.billing import Price
from gateway.lanes.prices import longest_answer, price
from tests.support.configuration import Configuration

MODELS = """\
model_list:
  - model_name: mini
    litellm_params: {model: openai/gpt-4o-mini, api_key: k}
  - model_name: own
    litellm_params: {model: openai/of-my-own, api_key: k, input_cost_per_token: 0.000002}
    model_info: {output_cost_per_token: 3e-6, max_output_tokens: 1234}
  - model_name: unknown
    litellm_params: {model: openai/of-somebody, api_key: k}
"""


def test_a_price_is_litellm_s() -> None:
    known = litellm.model_cost["gpt-4o-mini"]
    found = price({}, "openai", "gpt-4o-mini")
    assert found is not None
    assert (found.input_token, found.output_token) == (known["input_cost_per_token"], known["output_cost_per_token"])
    assert found.cached_token == known["cache_read_input_token_cost"]


def test_the_file_s_price_stands_in_place_of_all_of_litellm_s() -> None:
    assert price({"input_cost_per_token": 1}, "openai", "gpt-4o-mini") == Price(input_token=1)


def test_a_model_that_nobody_knows_has_none() -> None:
    assert price({}, "openai", "of-somebody") is None
    assert longest_answer({}, "openai", "of-somebody") is None


@pytest.mark.parametrize(
    ("said", "found"), [("3e-6", 3e-6), (0, 0.0), ("many", None), (True, None), (-1, None), ("nan", None)]
)
def test_a_price_is_a_number_of_dollars(said: Any, found: float | None) -> None:
    expected = None if found is None else Price(input_token=found)
    assert price({"input_cost_per_token": said}, "openai", "of-somebody") == expected


def test_a_speech_model_is_paid_by_the_character_and_a_transcription_by_the_second() -> None:
    speech, words = price({}, "openai", "tts-1"), price({}, "openai", "whisper-1")
    assert speech is not None and speech.input_character
    assert words is not None and words.input_second


def test_deployments_have_their_prices(configuration: Configuration) -> None:
    mini, own, unknown = configuration.plan(MODELS).deployments
    assert mini.price is not None and mini.price.input_token
    assert mini.longest_answer == litellm.model_cost["gpt-4o-mini"]["max_output_tokens"]
    assert (own.price, own.longest_answer) == (Price(input_token=2e-6, output_token=3e-6), 1234)
    assert (unknown.price, unknown.longest_answer) == (None, None)
