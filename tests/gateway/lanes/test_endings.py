from __future__ import annotations

import datetime

import litellm
import pytest

from gateway.lanes import endings
from gateway.upstream.deployment import Deployment

TODAY = datetime.date(2030, 6, 1)
MAP = {
    "far-1": {"deprecation_date": "2030-08-31", "litellm_provider": "openai"},
    "near-1": {"deprecation_date": "2030-08-30", "litellm_provider": "openai"},
    "near-2": {"litellm_provider": "openai"},
    "near-10": {"litellm_provider": "openai"},
    "near-11": {"deprecation_date": "2030-06-02", "litellm_provider": "openai"},
    "near-12": {"litellm_provider": "azure"},
    "over-1": {"deprecation_date": "2030-06-01", "litellm_provider": "openai"},
    "odd-1": {"deprecation_date": "soon", "litellm_provider": "openai"},
    "alias": {"litellm_provider": "openai"},
    "alias-2029-01-01": {"deprecation_date": "2030-01-01", "litellm_provider": "openai"},
    "alias-2029-07-07": {"deprecation_date": "2030-07-01", "litellm_provider": "openai"},
    "open": {"litellm_provider": "openai"},
    "open-2029-01-01": {"deprecation_date": "2030-01-01", "litellm_provider": "openai"},
    "open-2029-07-07": {"litellm_provider": "openai"},
    "gemini/pro-2": {"deprecation_date": "2030-06-10", "litellm_provider": "gemini"},
    "gemini/pro-3": {"litellm_provider": "gemini"},
}


@pytest.fixture(autouse=True)
def a_map(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm, "model_cost", MAP)
    monkeypatch.setattr(endings, "SHIPPED", frozenset(MAP))


def warning(model: str, provider: str = "openai", api_base: str | None = None) -> str | None:
    deployment = Deployment(id="x", group="x", provider=provider, model=model, lane="lean", api_base=api_base)
    return endings.warning(deployment, TODAY)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("far-1", None),
        ("near-1", "'near-1' comes to its end on 2030-08-30; 'near-10' follows it"),
        ("over-1", "'over-1' came to its end on 2030-06-01"),
        ("odd-1", None),
        ("alias", "'alias' comes to its end on 2030-07-01"),
        ("alias-2029-01-01", "'alias-2029-01-01' came to its end on 2030-01-01"),
        ("open", None),
    ],
)
def test_an_end_is_told_90_days_before_with_its_successor(model: str, message: str | None) -> None:
    assert warning(model) == message


def test_the_successor_is_named_as_the_provider_names_it() -> None:
    assert warning("pro-2", "gemini") == "'pro-2' comes to its end on 2030-06-10; 'pro-3' follows it"


def test_a_model_that_the_map_does_not_hold_is_told() -> None:
    assert warning("pro-1", "gemini") == (
        "LiteLLM's map does not hold 'pro-1' (retired, or misspelt?); 'pro-3' follows it"
    )


def test_a_model_of_one_s_own_is_nobody_s_business() -> None:
    assert warning("mine", "ollama") is None
    assert warning("mine", "openai", api_base="http://127.0.0.1:1/v1") is None
