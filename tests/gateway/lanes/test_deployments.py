from __future__ import annotations

from typing import Any

import pytest

from gateway.contract import Operation
from gateway.lanes.deployments import build
from gateway.settings import ConfigError
from gateway.upstream.deployment import Deployment
from tests.support.configuration import Configuration


def entry(params: str, more: str = "", name: str = "a") -> str:
    return f"- model_name: {name}\n  litellm_params: {{{params}}}\n{more}"


def built(configuration: Configuration, *entries: str, lane: str = "auto", **environ: str) -> tuple[Deployment, ...]:
    models = configuration.load(models="model_list:\n" + "".join(entries), env=environ).models
    return build(models, environ, lane=lane)


def one(configuration: Configuration, params: str, more: str = "", **options: Any) -> Deployment:
    (deployment,) = built(configuration, entry(params, more), **options)
    return deployment


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("model: mine", "no provider is known for the model 'mine'; write it as 'provider/model'"),
        ("model: opnai/gpt-4o", "no provider is known for the model 'opnai/gpt-4o'; write it as 'provider/model'; "
         "did you mean 'openai'?"),
        ("model: os.environ/HUSH", "no provider is known for the model of the name that the environment gives; "
         "write it as 'provider/model'"),
        ("model: gpt-4o, custom_llm_provider: opnai", "LiteLLM has no provider 'opnai'; did you mean 'openai'?"),
        ("model: gpt-4o, custom_llm_provider: zzzzzz", "LiteLLM has no provider 'zzzzzz'"),
        ("model: openai/gpt-4o, api_base: os.environ/NOWHERE", "environment variable NOWHERE is not set"),
        ("model: openai/gpt-4o, base_url: os.environ/NOWHERE", "environment variable NOWHERE is not set"),
        ("model: openai/gpt-4o, api_key: 1234567", "'api_key': expected text"),
        ("model: openai/gpt-4o, api_base: [x]", "'api_base': expected text"),
        ("model: openai/gpt-4o, weight: heavy", "'weight': expected a number, 0 or more"),
        ("model: openai/gpt-4o, rpm: '3'", "'rpm': expected a number, 0 or more"),
        ("model: openai/gpt-4o, tpm: -1", "'tpm': expected a number, 0 or more"),
        ("model: openai/gpt-4o, weight: .nan", "'weight': expected a number, 0 or more"),
        ("model: openai/gpt-4o, order: true", "'order': expected a number, 0 or more"),
        ("model: openai/gpt-4o, weight: 1.0e+13", "'weight': expected a number, 0 or more"),
        ("model: openai/gpt-4o, timeout: 0", "'timeout': expected a number of seconds above 0"),
        ("model: openai/gpt-4o, timeout: -1", "'timeout': expected a number of seconds above 0"),
        ("model: openai/gpt-4o, timeout: .inf", "'timeout': expected a number of seconds above 0"),
        ("model: openai/gpt-4o, timeout: true", "'timeout': expected a number of seconds above 0"),
        ("model: openai/gpt-4o, timeout: '30'", "'timeout': expected a number of seconds above 0"),
        ("model: openai/gpt-4o, timeout: os.environ/HUSH", "'timeout': expected a number of seconds above 0"),
        ("model: openai/gpt-4o, timeout: os.environ/NOWHERE", "environment variable NOWHERE is not set"),
        ("model: openai/gpt-4o, stream_timeout: [3]", "'stream_timeout': expected a number of seconds above 0"),
        ("model: openai/gpt-4o, stream_timeout: .nan", "'stream_timeout': expected a number of seconds above 0"),
        (f"model: openai/gpt-4o, timeout: {'9' * 400}", "'timeout': expected a number of seconds above 0"),
        ("model: openai/gpt-4o, order: os.environ/NOWHERE", "environment variable NOWHERE is not set"),
    ],
)  # fmt: skip
def test_an_entry_that_can_t_be_called_is_refused_with_its_line(
    configuration: Configuration, params: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        built(configuration, entry("model: gpt-4o"), entry(params), HUSH="hush")
    assert configuration.shown(caught.value) == [f"litellm.yaml:5: {message}"]


@pytest.mark.parametrize(
    ("info", "message"),
    [
        ("{max_input_tokens: many}", "'model_info.max_input_tokens': expected a whole number of tokens, 0 or more"),
        ("{id: a}", "the id 'a' is that of another deployment; each needs one of its own"),
    ],
)
def test_bad_model_info_is_refused(configuration: Configuration, info: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        built(configuration, entry("model: gpt-4o"), entry("model: gpt-4o", f"  model_info: {info}\n"))
    assert configuration.shown(caught.value) == [f"litellm.yaml:6: {message}"]


def test_deployments_of_one_name_are_numbered_and_keep_an_id_of_their_own(configuration: Configuration) -> None:
    named = entry("model: openai/gpt-4o", "  model_info: {id: mine}\n")
    found = built(configuration, entry("model: openai/gpt-4o"), entry("model: gemini/gemini-2.5-pro"), named)
    assert [(d.id, d.group) for d in found] == [("a", "a"), ("a#2", "a"), ("mine", "a")]


@pytest.mark.parametrize(
    ("params", "provider", "model"),
    [
        ("model: gemini/gemini-2.5-flash", "gemini", "gemini-2.5-flash"),
        ("model: openai/my-own", "openai", "my-own"),
        ("model: gpt-4o", "openai", "gpt-4o"),
        ("model: gpt-4o, custom_llm_provider: azure, api_base: 'https://x.example'", "azure", "gpt-4o"),
        ("model: anthropic/claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
    ],
)
def test_names_are_read_as_litellm_reads_them(
    configuration: Configuration, params: str, provider: str, model: str
) -> None:
    found = one(configuration, params)
    assert (found.provider, found.model) == (provider, model)


@pytest.mark.parametrize(
    ("params", "environ", "unusable"),
    [
        ("model: openai/gpt-4o, api_key: k", {}, None),
        ("model: openai/gpt-4o", {}, "OPENAI_API_KEY is not set"),
        ("model: openai/gpt-4o", {"OPENAI_API_KEY": "k"}, None),
        ("model: gemini/gemini-2.5-pro", {}, "GEMINI_API_KEY is not set"),
        ("model: gemini/gemini-2.5-pro", {"GOOGLE_API_KEY": "k"}, None),
        ("model: openai/gpt-4o, api_key: os.environ/MINE", {}, "MINE is not set"),
        ("model: openai/gpt-4o, api_key: os.environ/MINE, api_base: 'http://x'", {}, "MINE is not set"),
        ("model: openai/gpt-4o, api_key: os.environ/MINE", {"MINE": "k"}, None),
        ("model: openai/my-own, api_base: 'http://127.0.0.1:1/v1'", {}, None),
        ("model: gemini/my-own, api_base: 'http://127.0.0.1:1'", {}, None),
        ("model: anthropic/claude-sonnet-4-5", {}, None),
        ("model: anthropic/claude-sonnet-4-5, api_key: os.environ/MINE", {}, "MINE is not set"),
        ("model: bedrock/anthropic.claude-3-haiku-20240307-v1:0, aws_role_name: r", {}, None),
        ("model: vertex_ai/gemini-2.5-pro", {}, None),
        ("model: ollama/llama3", {}, None),
        ("model: azure/mine, api_base: 'https://x.example', azure_ad_token: t", {}, None),
        ("model: anthropic/claude-sonnet-4-5, api_key: k", {}, None),
    ],
)
def test_a_deployment_without_its_key_says_which(
    configuration: Configuration,
    monkeypatch: pytest.MonkeyPatch,
    params: str,
    environ: dict[str, str],
    unusable: str | None,
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    assert one(configuration, params, **environ).unusable == unusable


def test_the_entry_s_own_key_and_address_win_over_the_provider_s_variables(configuration: Configuration) -> None:
    variables = {"OPENAI_API_KEY": "theirs", "OPENAI_BASE_URL": "http://theirs"}
    theirs = one(configuration, "model: openai/gpt-4o", **variables)
    assert (theirs.api_key, theirs.api_base) == ("theirs", "http://theirs")
    own = one(configuration, "model: openai/gpt-4o, api_key: own, api_base: 'http://own'", **variables)
    assert (own.api_key, own.api_base) == ("own", "http://own")
    assert one(configuration, "model: gemini/gemini-2.5-pro", **variables).api_base is None


def test_a_key_is_not_in_the_deployment_s_text(configuration: Configuration) -> None:
    found = one(configuration, "model: openai/gpt-4o, api_key: sk-of-the-test")
    assert found.api_key == "sk-of-the-test"
    assert "sk-of-the-test" not in repr(found)


@pytest.mark.parametrize(
    ("params", "lane"),
    [
        ("model: gemini/gemini-2.5-flash", "lean"),
        ("model: openai/gpt-4o, temperature: 0.5, max_tokens: 3, rpm: 3", "lean"),
        ("model: openai/gpt-4o, timeout: 20, stream_timeout: 0.5", "lean"),
        ("model: openai/my-own, api_base: 'http://x'", "lean"),
        ("model: anthropic/claude-sonnet-4-5", "litellm"),
        ("model: openai/gpt-4o, organization: o", "litellm"),
        ("model: openai/gpt-4o, extra_body: {a: 1}", "litellm"),
        ("model: openai/text-embedding-3-small", "litellm"),
        ("model: openai/gpt-4o-audio-preview", "litellm"),
        ("model: openai/responses/gpt-4o", "litellm"),
    ],
)
def test_the_lean_lane_carries_what_its_wires_can_say(configuration: Configuration, params: str, lane: str) -> None:
    assert one(configuration, params).lane == lane
    assert one(configuration, params, lane="litellm").lane == "litellm"


def test_parameters_of_the_model_are_defaults_and_routing_is_not(configuration: Configuration) -> None:
    found = one(configuration, "model: openai/gpt-4o, temperature: 0.5, rpm: 3, timeout: 3, weight: 2, api_key: k")
    assert found.defaults == {"temperature": 0.5}
    assert found.litellm_params["rpm"] == 3


@pytest.mark.parametrize(
    ("params", "first_token", "attempt"),
    [
        ("model: openai/gpt-4o", None, None),
        ("model: openai/gpt-4o, timeout:, stream_timeout: 2", 2, None),
        ("model: openai/gpt-4o, timeout: 20, stream_timeout: 2.5", 2.5, 20),
        ("model: anthropic/claude-sonnet-4-5, timeout: os.environ/PATIENCE", None, 7.5),
    ],
)
def test_an_entry_s_own_limits_are_the_deployment_s(
    configuration: Configuration, params: str, first_token: float | None, attempt: float | None
) -> None:
    found = one(configuration, params, PATIENCE=" 7.5 ")
    assert (found.first_token_seconds, found.attempt_seconds) == (first_token, attempt)


def test_what_a_model_can_do_is_the_deployment_s(configuration: Configuration) -> None:
    info = "{mode: embedding, max_input_tokens: 512, supports_assistant_prefill: true}"
    found = one(configuration, "model: openai/my-own", f"  model_info: {info}\n")
    assert (found.modes, found.window, found.prefills) == (frozenset({Operation.EMBEDDING}), 512, True)


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ("model: openai/my-own, api_base: 'http://x'", "none"),
        ("model: openai/my-own, api_base: 'http://x', api_key: os.environ/NOWHERE", None),
        ("model: gemini/my-own, api_base: 'http://x'", None),
        ("model: azure/mine, api_base: 'http://x'", None),
        ("model: anthropic/claude-sonnet-4-5, api_base: 'http://x'", None),
    ],
)
def test_only_openai_s_wire_is_given_a_stand_in_for_a_key(
    configuration: Configuration, params: str, key: str | None
) -> None:
    assert one(configuration, params).api_key == key


@pytest.mark.parametrize(
    ("params", "doubt"),
    [
        ("model: anthropic/claude-sonnet-4-5", "LiteLLM finds no ANTHROPIC_API_KEY"),
        ("model: anthropic/claude-sonnet-4-5, input_cost_per_token: 1", "LiteLLM finds no ANTHROPIC_API_KEY"),
        ("model: anthropic/claude-sonnet-4-5, api_key: k", None),
        ("model: anthropic/claude-sonnet-4-5, api_key: os.environ/NOWHERE", None),
        (
            "model: bedrock/anthropic.claude-3-haiku-20240307-v1:0",
            "LiteLLM finds no AWS_ACCESS_KEY_ID and no AWS_SECRET_ACCESS_KEY",
        ),
        ("model: bedrock/anthropic.claude-3-haiku-20240307-v1:0, aws_profile_name: p", None),
        ("model: vertex_ai/gemini-2.5-pro", None),
        ("model: ollama/llama3", None),
        ("model: openai/gpt-4o", None),
    ],
)
def test_a_provider_whose_key_may_be_elsewhere_is_doubted_at_most(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch, params: str, doubt: str | None
) -> None:
    for name in ("ANTHROPIC_API_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert one(configuration, params).doubt == doubt


def test_a_number_may_come_from_the_environment(configuration: Configuration) -> None:
    found = one(configuration, "model: openai/gpt-4o, weight: os.environ/WEIGHT, rpm:", WEIGHT="2")
    assert found.litellm_params["weight"] == 2
