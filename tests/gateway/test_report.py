from __future__ import annotations

import re

import pytest

from gateway.report import policy_report, report
from gateway.settings import ConfigError
from tests.support.configuration import KEYS, MODELS, Configuration

SECRETS = {
    **KEYS,
    "REDIS_URL": "redis://:redis-secret@redis.internal:6379",
    "GATEWAY_MASTER_KEY": "master-secret-of-the-test",
}


def lines(configuration: Configuration, **options: object) -> list[str]:
    text = report(configuration.load(**options))  # type: ignore[arg-type]
    return [re.sub(r" {2,}", "  ", line.replace(f"{configuration.folder}/", "")) for line in text.splitlines()]


def test_every_setting_is_shown_with_where_it_came_from(configuration: Configuration) -> None:
    env = {"AI_BURST_LIMIT": "3", "AI_MODEL_PROVIDER": "openai"}
    found = lines(configuration, gateway="server:\n  port: 9000\n", env={**KEYS, **env})
    assert "  server.port  9000  gateway.yaml:2" in found
    assert "  limits.burst  3  AI_BURST_LIMIT" in found
    assert "  limits.per_minute  60  default" in found
    assert "  timeouts.attempt_seconds  {'v1': 60.0, 'ivy': 8.0}  default" in found
    assert "  AI_MODEL_PROVIDER  openai  environment" in found


def test_models_are_shown_with_what_follows_them(configuration: Configuration) -> None:
    env = {"AI_MODEL_PROVIDER": "openai", "OPENAI_API_KEY": KEYS["OPENAI_API_KEY"]}
    found = lines(configuration, env=env)
    assert "models from litellm.yaml" in found
    assert "  mini (primary): openai/gpt-4o-mini, lean lane, ready; then flash" in found
    assert "  flash: gemini/gemini-2.5-flash, lean lane, can't be called: GEMINI_API_KEY is not set" in found
    assert "  vectors: openai/text-embedding-3-small, litellm lane, ready" in found
    assert "WARNING litellm.yaml:4: 'flash' can't be called: GEMINI_API_KEY is not set" in found


def test_a_model_s_own_limits_and_fallbacks_are_shown(configuration: Configuration) -> None:
    params = "      model: gemini/gemini-2.5-flash\n"
    models = MODELS.replace(params, f"{params}      stream_timeout: 2.5\n      timeout: 20\n") + (
        "litellm_settings: {context_window_fallbacks: [{flash: [mini, vectors]}]}\n"
        "router_settings: {fallbacks: [{flash: [mini]}], content_policy_fallbacks: [{mini: [flash]}]}\n"
    )
    found = lines(configuration, models=models, env=KEYS)
    assert (
        "  flash (primary): gemini/gemini-2.5-flash, lean lane, ready; first token within 2.5 s; attempt within 20 s; "
        "then mini; too long: then mini -> vectors" in found
    )
    assert "  mini: openai/gpt-4o-mini, lean lane, ready; content refused: then flash" in found


def test_without_a_key_the_local_model_is_announced(configuration: Configuration) -> None:
    assert (
        "  no model has its key: local/smollm2-135m-instruct, the demonstration model on this machine, answers"
        in lines(configuration)
    )
    assert not any("demonstration" in line for line in lines(configuration, env=KEYS))


def test_warnings_stand_at_the_end(configuration: Configuration) -> None:
    text = MODELS + "guardrails: []\nrouter_settings: {num_retries: 3}\n"
    found = lines(configuration, models=text, env={**KEYS, "REDIS_URL": "redis://x", "AI_BURST_LIMITS": "3"})
    assert [line.split(" ")[1] for line in found if line.startswith("WARNING")][:4] == [
        "environment",
        "litellm.yaml:14:",
        "REDIS_URL",
        "litellm.yaml:15:",
    ]


def test_no_secret_is_shown(configuration: Configuration) -> None:
    models = MODELS.replace("os.environ/OPENAI_API_KEY", "sk-in-the-file-0123456789", 1)
    text = "\n".join(lines(configuration, models=models, env=SECRETS))
    assert "  REDIS_URL  (set)  environment" in text
    assert "  GATEWAY_MASTER_KEY  (set)  environment" in text
    assert not any(secret in text for secret in (*SECRETS.values(), "redis-secret", "sk-in-the-file"))


def test_a_master_key_of_the_file_is_not_shown_either(configuration: Configuration) -> None:
    models = MODELS + "general_settings: {master_key: master-secret-of-the-test}\n"
    found = lines(configuration, models=models)
    assert "  master key  (set)  litellm.yaml" in found
    assert not any("master-secret" in line for line in found)


def test_what_would_refuse_a_start_refuses_the_report(configuration: Configuration) -> None:
    with pytest.raises(ConfigError, match="unknown policy 'x'"):
        lines(configuration, gateway="policies: [{name: x}]")
    with pytest.raises(ConfigError, match="which 'model_list' does not have"):
        lines(configuration, env={"ACTIVE_MODEL": "x"})


STYLE = "introduction: As follows.\nper_week: 1\nshots: [{user: a, assistant: b}]\n"


def test_what_a_flag_leaves_out_is_said(configuration: Configuration) -> None:
    configuration.write("style.yaml", STYLE)
    found = lines(
        configuration, gateway="policies: [{name: style}, {name: redaction}]", env={"IVY_ORGANIC_ENABLED": "0"}
    )
    assert "policies: redaction" in found
    assert "  style is switched off by flags.organic_enabled" in found


def test_a_policy_shows_what_it_has_to_show(configuration: Configuration) -> None:
    configuration.write("style.yaml", STYLE)
    settings = configuration.load("policies: [{name: style}, {name: redaction}]")
    assert policy_report(settings, "style") == "As follows.\n\nAsked: a\nIvy: b"
    assert policy_report(settings, "redaction") == "redaction has nothing to show."
    with pytest.raises(ConfigError, match="gateway.yaml:1: the policy 'stile' is not listed; did you mean 'style'"):
        policy_report(settings, "stile")
    off = configuration.load("policies: [{name: style}]\nflags:\n  organic_enabled: false\n")
    assert policy_report(off, "style") == "style is switched off: flags.organic_enabled is false (gateway.yaml:3)."


def test_virtual_keys_are_counted_and_not_shown(configuration: Configuration) -> None:
    assert "virtual keys" not in report(configuration.load(env=KEYS))
    digits = "ab" * 32
    configuration.write("keys.yaml", f"keys:\n  - {{name: crm, hash: 'sha256:{digits}'}}\n")
    told = report(configuration.load(env=KEYS))
    (line,) = [line for line in told.splitlines() if "virtual keys" in line]
    assert line.split()[2] == "1"
    assert digits not in told
