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
        ("litellm_settings: {sucess_callback: [x]}", "unknown key 'litellm_settings.sucess_callback'; "
         "did you mean 'success_callback'?"),
        ("router_settings: {routing_strategy: os.environ/NOWHERE}", "environment variable NOWHERE is not set"),
        ("router_settings: {routing_strategy: os.environ/HUSH}", "'router_settings.routing_strategy': LiteLLM has no "
         "strategy of the name that the environment gives"),
        ("router_settings: {routing_strategy_args: os.environ/NOWHERE}", "environment variable NOWHERE is not set"),
        ("router_settings: {routing_strategy: least-buzy}", "'router_settings.routing_strategy': LiteLLM has no "
         "strategy 'least-buzy'; did you mean 'least-busy'?"),
        ("router_settings: {routing_strategy_args: 3}", "'router_settings.routing_strategy_args': expected a mapping"),
    ],
)  # fmt: skip
def test_a_word_that_nobody_knows_stops_the_start(configuration: Configuration, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(configuration.load(models=MODELS + text, env={"HUSH": "hush"}).models)
    assert configuration.shown(caught.value) == [f"litellm.yaml:{LAST}: {message}"]


@pytest.mark.parametrize("section", ["router_settings", "litellm_settings", "general_settings"])
def test_a_far_word_is_named_and_ignored(configuration: Configuration, section: str) -> None:
    (found,) = check(configuration.load(models=MODELS + f"{section}: {{zzz: 3}}").models)
    assert found.endswith(f"litellm.yaml:{LAST}: '{section}.zzz' {IGNORED}")


#: Of LiteLLM's documentation of ``litellm_settings``.
DOCUMENTED = [
    "audit_log_callbacks", "cache", "cache_params", "callbacks", "custom_provider_map",
    "datadog_params", "default_internal_user_params",
    "default_team_params", "default_team_settings", "disable_copilot_system_to_assistant",
    "disable_end_user_cost_tracking", "enable_json_schema_validation", "enable_preview_features", "failure_callback",
    "force_ipv4", "guardrails", "image_generation_models", "json_logs", "key_generation_settings",
    "langfuse_default_tags", "max_budget", "mcp_aliases", "model_group_alias", "modify_params", "post_call_rules",
    "priority_reservation", "public_model_groups", "redact_user_api_key_info", "s3_callback_params",
    "service_callbacks", "set_verbose", "ssl_verify", "store_audit_logs", "success_callback", "telemetry",
    "turn_off_message_logging", "upperbound_key_generate_params",
]  # fmt: skip


@pytest.mark.parametrize("word", DOCUMENTED)
def test_the_words_of_litellm_s_documentation_are_no_mistakes(configuration: Configuration, word: str) -> None:
    (found,) = check(configuration.load(models=MODELS + f"litellm_settings: {{{word}: 3}}").models)
    assert f"'litellm_settings.{word}' {IGNORED}" in found


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("router_settings: {num_retries: 3}", f"'router_settings.num_retries' {IGNORED}; "
         "'retries' in gateway.yaml does it"),
        ("router_settings: {timeout: 3}", f"'router_settings.timeout' {IGNORED}; 'timeouts' in gateway.yaml does it"),
        ("router_settings: {stream_timeout: 3}", f"'router_settings.stream_timeout' {IGNORED}; "
         "'timeouts' in gateway.yaml does it"),
        ("litellm_settings: {timeout: 3}", f"'litellm_settings.timeout' {IGNORED}; 'timeouts' in gateway.yaml does it"),
        ("router_settings: {allowed_fails: 3}", f"'router_settings.allowed_fails' {IGNORED}; "
         "'breaker' in gateway.yaml does it"),
        ("litellm_settings: {request_timeout: 3}", f"'litellm_settings.request_timeout' {IGNORED}; "
         "'timeouts' in gateway.yaml does it"),
        ("router_settings: {model_group_alias: {x: mini}}", f"'router_settings.model_group_alias' {IGNORED}"),
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
        "router_settings: {context_window_fallbacks: [], content_policy_fallbacks: [{flash: [mini]}]}",
        "litellm_settings: {context_window_fallbacks: [], content_policy_fallbacks: [{flash: [mini]}]}",
        "general_settings: {master_key: k}",
    ],
)
def test_what_is_honoured_is_not_warned_of(configuration: Configuration, text: str) -> None:
    assert check(configuration.load(models=MODELS + text).models) == []


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("temprature: 1", "unknown key 'temprature'; did you mean 'temperature'?"),
        ("stream_timout: 3", "unknown key 'stream_timout'; did you mean 'stream_timeout'?"),
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


@pytest.mark.parametrize(
    ("params", "instead"),
    [
        ("request_timeout: 3", "; 'timeouts' in gateway.yaml does it"),
        ("max_retries: 3", "; 'retries' in gateway.yaml does it"),
        ("tags: [a]", ""),
    ],
)
def test_a_parameter_that_the_gateway_does_instead_is_named(
    configuration: Configuration, params: str, instead: str
) -> None:
    (found,) = check(configuration.load(models=entry(params)).models)
    name = params.partition(":")[0]
    assert found.endswith(f"litellm.yaml:5: {name!r} is not used here and is ignored{instead}")


def test_the_name_of_the_primary_is_taken(configuration: Configuration) -> None:
    with pytest.raises(ConfigError) as caught:
        check(configuration.load(models=MODELS.replace("model_name: mini", "model_name: default")).models)
    assert configuration.shown(caught.value) == [
        "litellm.yaml:6: the name 'default' is the primary's; ACTIVE_MODEL says which model that is, under its own name"
    ]


@pytest.mark.parametrize(
    "params",
    [
        "temperature: 1",
        "rpm: 3",
        "timeout: 3",
        "stream_timeout: 3",
        "aws_region_name: x",
        "organization: o",
        "weight: 2",
    ],
)
@pytest.mark.parametrize("unlisted", ["top_k: 3", "min_tokens: 3", "extra_body: {a: 1}", "vertex_ai_project: p"])
def test_litellm_s_own_parameters_are_known(configuration: Configuration, params: str, unlisted: str) -> None:
    assert check(configuration.load(models=entry(f"{params}\n    {unlisted}")).models) == []


def test_all_mistakes_are_said_at_once(configuration: Configuration) -> None:
    with pytest.raises(ConfigError) as caught:
        check(configuration.load(models=entry("temprature: 1") + "router_settings: {num_retrys: 1}").models)
    assert [problem.line for problem in caught.value.problems] == [6, 5]
