from __future__ import annotations

import litellm
import pytest

from gateway.contract import Operation
from gateway.lanes.abilities import Abilities
from gateway.settings import ConfigError
from tests.support.configuration import Configuration

TOKENS = "'model_info.max_input_tokens': expected a whole number of tokens, 0 or more"
TRUTH = "'model_info.supports_assistant_prefill': expected true or false"
UNSET = "environment variable NOWHERE is not set"


def abilities(configuration: Configuration, model: str, info: str = "{}", **environ: str) -> Abilities:
    text = f"model_list:\n- model_name: a\n  litellm_params: {{model: {model}}}\n  model_info: {info}\n"
    provider, _, name = model.partition("/")
    return Abilities(configuration.load(models=text, env=environ).models, 0, provider, name)


@pytest.mark.parametrize(
    ("model", "info", "modes"),
    [
        ("openai/gpt-4o", "{}", {Operation.CHAT, Operation.RESPONSES}),
        ("openai/gpt-4o", "{mode: }", {Operation.CHAT, Operation.RESPONSES}),
        ("openai/my-own", "{mode: chat}", {Operation.CHAT}),
        ("gemini/gemini-2.5-flash", "{}", {Operation.CHAT}),
        ("openai/text-embedding-3-small", "{}", {Operation.EMBEDDING}),
        ("openai/my-own", "{}", None),
        ("openai/my-own", "{mode: embedding}", {Operation.EMBEDDING}),
        ("gemini/gemini-embedding-001", "{}", {Operation.EMBEDDING}),
        ("openai/dall-e-3", "{}", {Operation.IMAGE_GENERATION, Operation.IMAGE_EDIT}),  # listed by size only
        ("openai/whisper-1", "{}", {Operation.TRANSCRIPTION, Operation.TRANSLATION}),
        ("openai/tts-1", "{}", {Operation.SPEECH}),
        ("openai/omni-moderation-latest", "{}", {Operation.MODERATION}),
        ("cohere/rerank-english-v3.0", "{}", set()),
        ("openai/my-own", "{mode: rerank}", set()),
        ("openai/my-own", "{mode: of-mine}", None),
    ],
)
def test_what_a_model_does_is_the_map_s_to_say_or_the_operator_s(
    configuration: Configuration, model: str, info: str, modes: set[Operation] | None
) -> None:
    assert abilities(configuration, model, info).modes() == modes


@pytest.mark.parametrize(
    ("model", "info", "window"),
    [
        ("openai/my-own", "{}", None),
        ("openai/my-own", "{max_input_tokens: 8192}", 8192),
        ("openai/my-own", "{max_input_tokens: 8192.0}", 8192),
        ("openai/my-own", "{max_input_tokens: os.environ/TOKENS}", 4096),
        ("openai/my-own", "{max_input_tokens: 0}", None),
        ("openai/my-own", "{max_input_tokens: }", None),
        ("openai/my-own", "{max_tokens: 8192}", None),
        ("openai/gpt-4o-mini", "{max_input_tokens: 100}", 100),
        ("openai/sample_spec", "{}", None),  # the map explains itself there, in words
        ("vercel_ai_gateway/cohere/embed-v4.0", "{}", None),  # the map's 0
    ],
)
def test_the_window_is_what_the_file_says(
    configuration: Configuration, model: str, info: str, window: int | None
) -> None:
    assert abilities(configuration, model, info, TOKENS="4096").window() == window


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ("openai/gpt-4o-mini", "gpt-4o-mini"),
        ("gemini/gemini-2.5-flash", "gemini/gemini-2.5-flash"),
        ("anthropic/claude-sonnet-4-5", "claude-sonnet-4-5"),
    ],
)
def test_else_the_map_says_it(configuration: Configuration, model: str, key: str) -> None:
    listed = litellm.model_cost[key]
    found = abilities(configuration, model)
    assert found.window() == listed["max_input_tokens"] > 0
    assert found.prefills() is bool(listed.get("supports_assistant_prefill"))


def test_a_name_that_only_ends_like_a_listed_one_says_nothing_of_windows(configuration: Configuration) -> None:
    listed = {key for key in litellm.model_cost if key.endswith("/dall-e-3")}
    assert listed
    assert abilities(configuration, "openai/dall-e-3").window() is None


@pytest.mark.parametrize(
    ("model", "info", "prefills"),
    [
        ("openai/my-own", "{}", False),
        ("openai/my-own", "{supports_assistant_prefill: true}", True),
        ("openai/my-own", "{supports_assistant_prefill: os.environ/YES}", True),
        ("anthropic/claude-sonnet-4-5", "{}", True),
        ("anthropic/claude-sonnet-4-5", "{supports_assistant_prefill: false}", False),
        ("anthropic/claude-sonnet-4-5", "{supports_assistant_prefill: }", True),
    ],
)
def test_whether_it_takes_a_prefill_is_the_file_s_to_say_or_the_map_s(
    configuration: Configuration, model: str, info: str, prefills: bool
) -> None:
    assert abilities(configuration, model, info, YES="True").prefills() is prefills


@pytest.mark.parametrize(
    ("ability", "info", "message"),
    [
        ("modes", "{mode: [x]}", "'model_info.mode': expected text, as in 'chat'"),
        ("modes", "{mode: os.environ/NOWHERE}", UNSET),
        ("modes", "{mode: embeding}", "'model_info.mode': LiteLLM has no mode 'embeding'; did you mean 'embedding'?"),
        ("window", "{max_input_tokens: true}", TOKENS),
        ("window", "{max_input_tokens: '8192'}", TOKENS),
        ("window", "{max_input_tokens: -1}", TOKENS),
        ("window", "{max_input_tokens: 0.5}", TOKENS),
        ("window", "{max_input_tokens: .inf}", TOKENS),
        ("window", "{max_input_tokens: .nan}", TOKENS),
        ("window", "{max_input_tokens: [1]}", TOKENS),
        ("window", "{max_input_tokens: os.environ/YES}", TOKENS),
        ("window", "{max_input_tokens: os.environ/NOWHERE}", UNSET),
        ("prefills", "{supports_assistant_prefill: 1}", TRUTH),
        ("prefills", "{supports_assistant_prefill: 'true'}", TRUTH),
        ("prefills", "{supports_assistant_prefill: os.environ/NOWHERE}", UNSET),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(
    configuration: Configuration, ability: str, info: str, message: str
) -> None:
    found = abilities(configuration, "openai/gpt-4o", info, YES="yes")
    with pytest.raises(ConfigError) as caught:
        getattr(found, ability)()
    assert configuration.shown(caught.value) == [f"litellm.yaml:4: {message}"]
