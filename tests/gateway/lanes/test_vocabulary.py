from __future__ import annotations

import pytest

from gateway.lanes.vocabulary import check
from gateway.settings import ConfigError
from tests.support.configuration import MODELS, Configuration

LAST = MODELS.count("\n") + 1
IGNORED = "is not supported here and is ignored"


def entry(params: str) -> str:
    return f"model_list:\n- model_name: a\n  litellm_params:\n    model: openai/gpt-4o\n    {params}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("router_settings: {num_retrys: 3}", "unknown key 'router_settings.num_retrys'; did you mean 'num_retries'?"),
        ("litellm_settings: {drop_parms: 3}", "unknown key 'litellm_settings.drop_parms'; did you mean 'drop_params'?"),
        ("litellm_settings: {request_timout: 3}", "unknown key 'litellm_settings.request_timout'; "
         "did you mean 'request_timeout'?"),
        ("general_settings: {master_ky: x}", "unknown key 'general_settings.master_ky'; did you mean 'master_key'?"),
        ("router_settings: {routing_strategy: least-buzy}", "'router_settings.routing_strategy': LiteLLM has no "
         "strategy 'least-buzy'; did you mean 'least-busy'?"),
        ("router_settings: {routing_strategy_args: 3}", "'router_settings.routing_strategy_args': expected a mapping"),
    ],
)  # fmt: skip
def test_a_word_that_nobody_knows_stops_the_start(configuration: Configuration, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(configuration.load(models=MODELS + text).models)
    assert configuration.shown(caught.value) == [f"litellm.yaml:{LAST}: {message}"]


def test_a_far_word_is_answered_with_all_words(configuration: Configuration) -> None:
    with pytest.raises(ConfigError) as caught:
        check(configuration.load(models=MODELS + "litellm_settings: {zzz: 3}").models)
    (shown,) = configuration.shown(caught.value)
    assert shown.startswith(f"litellm.yaml:{LAST}: unknown key 'litellm_settings.zzz'; valid here: allowed_fails, ")
    assert ", drop_params, fallbacks, " in shown


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("router_settings: {num_retries: 3}", f"'router_settings.num_retries' {IGNORED}; "
         "'retries' in gateway.yaml does it"),
        ("router_settings: {allowed_fails: 3}", f"'router_settings.allowed_fails' {IGNORED}; "
         "'breaker' in gateway.yaml does it"),
        ("litellm_settings: {request_timeout: 3}", f"'litellm_settings.request_timeout' {IGNORED}; "
         "'timeouts' in gateway.yaml does it"),
        ("router_settings: {redis_host: h}", f"'router_settings.redis_host' {IGNORED}"),
        ("litellm_settings: {success_callback: [x]}", f"'litellm_settings.success_callback' {IGNORED}"),
        ("general_settings: {database_url: x}", f"'general_settings.database_url' {IGNORED}"),
    ],
)  # fmt: skip
def test_a_word_that_only_litellm_s_proxy_acts_on_is_named(
    configuration: Configuration, text: str, warning: str
) -> None:
    found = check(configuration.load(models=MODELS + text).models)
    assert [line.removeprefix(f"{configuration.folder}/") for line in found] == [f"litellm.yaml:{LAST}: {warning}"]


@pytest.mark.parametrize(
    "text",
    [
        "router_settings: {routing_strategy: simple-shuffle, routing_strategy_args: {ttl: 3}, fallbacks: []}",
        "litellm_settings: {drop_params: true, default_fallbacks: []}",
        "general_settings: {master_key: k}",
    ],
)
def test_what_is_honoured_is_not_warned_of(configuration: Configuration, text: str) -> None:
    assert check(configuration.load(models=MODELS + text).models) == []


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("temprature: 1", "unknown key 'temprature'; did you mean 'temperature'?"),
        ("api_bas: x", "unknown key 'api_bas'; did you mean 'api_base'?"),
        ("max_token: 1", "unknown key 'max_token'; did you mean 'max_tokens'?"),
    ],
)
def test_a_misspelt_parameter_stops_the_start(configuration: Configuration, params: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(configuration.load(models=entry(params)).models)
    assert configuration.shown(caught.value) == [f"litellm.yaml:5: {message}"]


def test_a_parameter_that_only_the_provider_can_know_is_warned_of(configuration: Configuration) -> None:
    (warning,) = check(configuration.load(models=entry("zzqq: 1")).models)
    assert warning.endswith(
        "litellm.yaml:5: 'zzqq' is not a parameter that LiteLLM knows; it goes to the provider as it is"
    )


@pytest.mark.parametrize("params", ["temperature: 1", "rpm: 3", "aws_region_name: x", "organization: o", "weight: 2"])
def test_litellm_s_own_parameters_are_known(configuration: Configuration, params: str) -> None:
    assert check(configuration.load(models=entry(params)).models) == []


def test_all_mistakes_are_said_at_once(configuration: Configuration) -> None:
    with pytest.raises(ConfigError) as caught:
        check(configuration.load(models=entry("temprature: 1") + "router_settings: {num_retrys: 1}").models)
    assert [problem.line for problem in caught.value.problems] == [6, 5]
