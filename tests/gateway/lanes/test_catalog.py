from __future__ import annotations

import datetime
from collections import Counter
from unittest import mock

import litellm
import pytest

from gateway.contract import NotFound, Operation
from gateway.lanes.catalog import Plan, RouterPicker
from gateway.settings import ConfigError
from gateway.settings.load import PROJECT
from gateway.upstream.deployment import Deployment
from tests.support.configuration import MODELS, Configuration

LAST = MODELS.count("\n") + 1
OPENAI_ONLY = "model_list:\n- model_name: mini\n  litellm_params: {model: openai/gpt-4o-mini, api_key: k}\n"


def chosen(plan: Plan) -> tuple[str, str | None]:
    return plan.primary, plan.fallback


@pytest.mark.parametrize(
    ("env", "primary", "fallback"),
    [
        ({}, "flash", None),
        ({"AI_MODEL_PROVIDER": "gemini"}, "flash", "mini"),
        ({"AI_MODEL_PROVIDER": "openai"}, "mini", "flash"),
        ({"ACTIVE_MODEL": "gemini"}, "flash", "mini"),
        ({"ACTIVE_MODEL": "OpenAI"}, "mini", "flash"),
        ({"ACTIVE_MODEL": "mini"}, "mini", "flash"),
        ({"ACTIVE_MODEL": "flash", "AI_MODEL_PROVIDER": "gemini"}, "flash", "mini"),
        ({"ACTIVE_MODEL": "openai", "AI_MODEL_PROVIDER": "openai"}, "mini", "flash"),
    ],
)
def test_two_variables_choose_primary_and_fallback(
    configuration: Configuration, env: dict[str, str], primary: str, fallback: str | None
) -> None:
    plan = configuration.plan(env=env)
    assert chosen(plan) == (primary, fallback)
    assert plan.chains["default"] == plan.chains[primary] == tuple(filter(None, (primary, fallback)))


def test_the_shipped_models_switch_with_one_variable(configuration: Configuration) -> None:
    shipped = (PROJECT / "litellm.yaml").read_text()
    assert chosen(configuration.plan(shipped)) == ("gemini-2.0-flash", "gpt-4o-mini")
    switched = configuration.plan(shipped, {"AI_MODEL_PROVIDER": "openai"})
    assert chosen(switched) == ("gpt-4o-mini", "gemini-2.0-flash")
    assert switched.chains["gemini-2.0-flash"] == ("gemini-2.0-flash", "gpt-4o-mini")


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"ACTIVE_MODEL": "mini", "AI_MODEL_PROVIDER": "gemini"}, "ACTIVE_MODEL: is 'mini', a model of openai, "
         "which contradicts AI_MODEL_PROVIDER=gemini"),
        ({"ACTIVE_MODEL": "gemini", "AI_MODEL_PROVIDER": "openai"}, "ACTIVE_MODEL: is 'gemini', a model of gemini, "
         "which contradicts AI_MODEL_PROVIDER=openai"),
        ({"ACTIVE_MODEL": "minni"}, "ACTIVE_MODEL: is 'minni', which 'model_list' does not have; did you mean 'mini'?"),
        ({"ACTIVE_MODEL": "qqq"}, "ACTIVE_MODEL: is 'qqq', which 'model_list' does not have; "
         "valid here: flash, mini, vectors"),
        ({"ACTIVE_MODEL": "vectors"}, "ACTIVE_MODEL: is 'vectors', which is not a chat model"),
    ],
)  # fmt: skip
def test_a_choice_that_can_t_be_is_refused(configuration: Configuration, env: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.plan(env=env)
    assert str(caught.value) == f"environment variable {message}"


@pytest.mark.parametrize("variable", ["AI_MODEL_PROVIDER", "ACTIVE_MODEL"])
def test_a_provider_without_a_model_is_refused(configuration: Configuration, variable: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.plan(OPENAI_ONLY, {variable: "gemini"})
    assert configuration.shown(caught.value) == [
        f"environment variable {variable}: is 'gemini', but litellm.yaml has no chat model of that provider"
    ]


def test_without_a_gemini_model_the_first_chat_model_is_the_primary(configuration: Configuration) -> None:
    vectors = "- model_name: vectors\n  litellm_params: {model: openai/text-embedding-3-small}\n"
    plan = configuration.plan(OPENAI_ONLY.replace("model_list:\n", f"model_list:\n{vectors}"))
    assert chosen(plan) == ("mini", None)


@pytest.mark.parametrize(
    ("text", "env", "chain"),
    [
        ("router_settings: {fallbacks: [{flash: [mini]}]}", {}, ("flash", "mini")),
        ("router_settings: {default_fallbacks: [mini]}", {}, ("flash", "mini")),
        ("litellm_settings: {default_fallbacks: [flash, mini]}", {}, ("flash", "mini")),
        ("router_settings: {fallbacks: [{mini: [mini]}]}", {"AI_MODEL_PROVIDER": "openai"}, ("mini", "flash")),
        ("router_settings: {fallbacks: [{flash: [vectors, mini]}]}", {"AI_MODEL_PROVIDER": "gemini"},
         ("flash", "vectors", "mini")),
        ("router_settings: {fallbacks: [{flash: [vectors]}]}", {"AI_MODEL_PROVIDER": "gemini"},
         ("flash", "mini", "vectors")),
    ],
)  # fmt: skip
def test_the_file_s_fallbacks_and_the_variable_s_make_one_chain(
    configuration: Configuration, text: str, env: dict[str, str], chain: tuple[str, ...]
) -> None:
    assert configuration.plan(MODELS + text, env).chains["default"] == chain


FOLLOWERS = "router_settings: {{context_window_fallbacks: [{}], content_policy_fallbacks: [{{mini: [flash]}}]}}"


@pytest.mark.parametrize("env", [{}, {"AI_MODEL_PROVIDER": "openai"}, {"ACTIVE_MODEL": "gemini"}])
@pytest.mark.parametrize(
    ("entry", "too_long"),
    [("{flash: [mini]}", {"flash": ("mini",)}), ("{'*': [mini]}", {"flash": ("mini",), "vectors": ("mini",)})],
)
def test_fallbacks_for_one_kind_of_failure_are_the_file_s_whoever_is_primary(
    configuration: Configuration, env: dict[str, str], entry: str, too_long: dict[str, tuple[str, ...]]
) -> None:
    plan = configuration.plan(MODELS + FOLLOWERS.format(entry), env)
    local = plan.with_local(Deployment(id="l", group="local/small", provider="openai", model="small", lane="lean"))
    for found in (plan, local):
        assert found.context_window_fallbacks == too_long
        assert found.content_policy_fallbacks == {"mini": ("flash",)}
    assert not any("fallbacks" in warning for warning in plan.warnings)


def test_without_any_a_plan_has_none(configuration: Configuration) -> None:
    plan = configuration.plan(MODELS + "router_settings: {default_fallbacks: [mini]}")
    assert plan.context_window_fallbacks == plan.content_policy_fallbacks == {}


def entry(name: str, model: str, more: str = "") -> str:
    return f"- model_name: {name}\n  litellm_params: {{model: {model}, api_key: k}}\n{more}"


OTHERS = entry("image", "openai/dall-e-3") + entry("ranks", "cohere/rerank-english-v3.0")


@pytest.mark.parametrize("first", [OTHERS, entry("mystery", "openai/nobody-knows-it"), entry("q", "cohere/nobody-9")])
@pytest.mark.parametrize("env", [{}, {"AI_MODEL_PROVIDER": "openai"}, {"ACTIVE_MODEL": "openai"}])
def test_the_primary_is_a_model_that_is_known_to_chat(
    configuration: Configuration, first: str, env: dict[str, str]
) -> None:
    plan = configuration.plan(OPENAI_ONLY.replace("model_list:\n", f"model_list:\n{first}"), env)
    assert chosen(plan) == ("mini", None)


def test_a_model_that_nobody_knows_is_the_primary_where_no_other_can(configuration: Configuration) -> None:
    assert configuration.plan(f"model_list:\n{OTHERS}{entry('mine', 'openai/nobody-knows-it')}").primary == "mine"


def test_a_gateway_may_be_for_embeddings_only(configuration: Configuration) -> None:
    plan = configuration.plan(f"model_list:\n{OTHERS}{entry('vectors', 'openai/text-embedding-3-small')}")
    assert plan.chain("default", Operation.EMBEDDING) == ("vectors",)
    with pytest.raises(
        NotFound,
        match=r"'default' can't do chat; 'model_list' in litellm\.yaml has none that can; add one .* the mode 'chat'",
    ):
        plan.chain("default", Operation.CHAT)
    assert [w.removeprefix(f"{configuration.folder}/") for w in plan.warnings if "LiteLLM's map" not in w] == [
        "litellm.yaml:5: 'ranks' is of a kind that no route here calls",
        "litellm.yaml:1: none of the models does chat, so that chat and the assistant can't answer",
    ]


def test_a_gateway_whose_models_no_route_calls_is_refused(configuration: Configuration) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.plan(f"model_list:\n{entry('ranks', 'cohere/rerank-english-v3.0')}")
    assert configuration.shown(caught.value) == [
        "litellm.yaml:1: none of the models is of a kind that a route here calls"
    ]


def test_a_chain_asks_only_models_that_can(configuration: Configuration) -> None:
    plan = configuration.plan(MODELS + "router_settings: {default_fallbacks: [mini, vectors]}")
    assert plan.chain("flash", Operation.CHAT) == ("flash", "mini")
    assert plan.chain("flash", Operation.EMBEDDING) == ("vectors",)


@pytest.mark.parametrize(
    ("name", "operation", "message"),
    [
        ("gpt-9", Operation.CHAT, "There is no model 'gpt-9' here; there are: default, flash, mini, vectors."),
        ("vectors", Operation.CHAT, "The model 'vectors' can't do chat; these can: flash, mini."),
        ("flash", Operation.EMBEDDING, "The model 'flash' can't do embedding; these can: vectors."),
    ],
)
def test_a_model_that_is_not_there_is_answered_with_those_that_are(
    configuration: Configuration, name: str, operation: Operation, message: str
) -> None:
    with pytest.raises(NotFound) as caught:
        configuration.plan().chain(name, operation)
    assert (caught.value.message, caught.value.code, caught.value.param) == (message, "model_not_found", "model")


def test_an_operation_that_no_model_does_is_the_file_s_fault(configuration: Configuration) -> None:
    with pytest.raises(NotFound, match=r"has none that can; add one whose 'model_info' has the mode 'embedding'\.$"):
        configuration.plan(OPENAI_ONLY).chain("mini", Operation.EMBEDDING)


def test_a_request_that_names_no_model_is_for_the_first_that_can(configuration: Configuration) -> None:
    plan = configuration.plan(
        f"{OPENAI_ONLY}{entry('image', 'openai/dall-e-3')}{entry('pictures', 'openai/gpt-image-1')}"
    )
    assert plan.first(Operation.IMAGE_GENERATION) == "image"
    assert plan.first(Operation.CHAT) == plan.primary
    with pytest.raises(NotFound, match="No model here can do speech: .* the mode 'audio_speech'") as caught:
        plan.first(Operation.SPEECH)
    assert caught.value.code == "model_not_found"
    with pytest.raises(NotFound, match="chat model of OpenAI's own"):
        configuration.plan(f"model_list:\n{entry('flash', 'gemini/gemini-2.5-flash')}").first(Operation.RESPONSES)


def test_without_any_key_the_local_model_ends_every_chain(configuration: Configuration) -> None:
    plan = configuration.plan(keys=False, env={"AI_MODEL_PROVIDER": "openai"})
    assert plan.keyless
    assert plan.warnings == ()
    local = Deployment(id="l", group="local/small", provider="openai", model="small", lane="lean")
    found = plan.with_local(local)
    assert found.chains["default"] == ("mini", "flash", "local/small")
    assert found.chain("local/small", Operation.CHAT) == ("local/small",)
    assert (found.local, found.names[-1]) == ("local/small", "local/small")
    assert plan.local is None


def test_a_model_without_its_key_beside_one_that_has_it_is_warned_of(configuration: Configuration) -> None:
    plan = configuration.plan(keys=False, env={"OPENAI_API_KEY": "k"})
    assert not plan.keyless
    assert [w.removeprefix(f"{configuration.folder}/") for w in plan.warnings] == [
        "litellm.yaml:4: 'flash' can't be called: GEMINI_API_KEY is not set"
    ]


def test_a_model_at_its_end_is_warned_of_with_its_line(configuration: Configuration) -> None:
    end = datetime.date.fromisoformat(litellm.model_cost["gpt-4"]["deprecation_date"])
    text = OPENAI_ONLY.replace("gpt-4o-mini", "gpt-4")
    assert configuration.plan(text, today=end - datetime.timedelta(days=91)).warnings == ()
    (soon,) = configuration.plan(text, today=end - datetime.timedelta(days=90)).warnings
    assert f"litellm.yaml:3: 'gpt-4' comes to its end on {end.isoformat()}" in soon
    (over,) = configuration.plan(text, today=end).warnings
    assert f"litellm.yaml:3: 'gpt-4' came to its end on {end.isoformat()}" in over


def test_a_model_whose_key_may_be_elsewhere_is_warned_of(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    text = "model_list:\n- model_name: a\n  litellm_params: {model: anthropic/claude-sonnet-4-5}\n"
    plan = configuration.plan(text)
    assert not plan.keyless
    (warning,) = plan.warnings
    assert warning.endswith("litellm.yaml:3: 'a' may not be callable: LiteLLM finds no ANTHROPIC_API_KEY")


async def test_the_router_gets_no_key_that_is_not_there_and_nothing_that_the_gateway_does(
    configuration: Configuration,
) -> None:
    params = (
        "model: azure/mine, api_base: 'https://x.example', api_key: , timeout: 3, stream_timeout: 2, tags: [a], rpm: 3"
    )
    text = f"model_list:\n- model_name: a\n  litellm_params: {{{params}}}\n"
    with mock.patch("litellm.Router") as router:
        RouterPicker(configuration.plan(text))
    (given,) = router.call_args.kwargs["model_list"]
    assert given["litellm_params"] == {"model": "azure/mine", "api_base": "https://x.example", "rpm": 3}


@pytest.mark.parametrize(("value", "drop"), [("'true'", True), ("os.environ/DROP", False)])
def test_drop_params_may_be_a_text(configuration: Configuration, value: str, drop: bool) -> None:
    plan = configuration.plan(f"{MODELS}litellm_settings: {{drop_params: {value}}}", {"DROP": "False"})
    assert plan.drop_params is drop


def test_drop_params_from_a_variable_that_is_not_set_is_refused(configuration: Configuration) -> None:
    with pytest.raises(ConfigError, match="environment variable NOWHERE is not set$"):
        configuration.plan(f"{MODELS}litellm_settings: {{drop_params: os.environ/NOWHERE}}")


@pytest.mark.parametrize("value", ["'yes'", "3"])
def test_drop_params_is_true_or_false(configuration: Configuration, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.plan(f"{MODELS}litellm_settings: {{drop_params: {value}}}")
    assert configuration.shown(caught.value) == [
        f"litellm.yaml:{LAST}: 'litellm_settings.drop_params': expected true or false"
    ]


def test_what_the_operator_says_of_a_model_reaches_litellm(configuration: Configuration) -> None:
    name = "gemini-of-this-test"
    info = "  model_info: {mode: chat, supports_system_messages: true, input_cost_per_token: 0.5}\n"
    text = f"model_list:\n- model_name: a\n  litellm_params: {{model: gemini/{name}}}\n{info}"
    configuration.plan(text)
    assert litellm.model_cost[f"gemini/{name}"]["input_cost_per_token"] == 0.5
    configuration.plan(text.replace(name, "gemini-2.5-flash"))
    assert litellm.model_cost["gemini/gemini-2.5-flash"]["input_cost_per_token"] != 0.5


async def test_the_router_picks_among_the_deployments_of_a_name(configuration: Configuration) -> None:
    second = "  - model_name: flash\n    litellm_params: {model: openai/gpt-4o, api_key: k}\n"
    picker = RouterPicker(configuration.plan(MODELS + second))
    picks = [await picker.pick("flash", frozenset()) for _ in range(40)]
    assert Counter(d.id if d else None for d in picks).keys() == {"flash", "flash#2"}
    left = await picker.pick("flash", frozenset({"flash"}))
    assert left and left.id == "flash#2"
    assert await picker.pick("flash", frozenset({"flash", "flash#2"})) is None
    assert await picker.pick("nowhere", frozenset()) is None


async def test_what_can_t_be_called_is_picked_last_so_that_its_reason_is_known(configuration: Configuration) -> None:
    second = "  - model_name: flash\n    litellm_params: {model: openai/gpt-4o, api_key: k}\n"
    picker = RouterPicker(configuration.plan(MODELS + second, keys=False))
    first = await picker.pick("flash", frozenset())
    assert first and first.id == "flash#2"
    then = await picker.pick("flash", frozenset({"flash#2"}))
    assert then and then.unusable == "GEMINI_API_KEY is not set"
    assert await picker.pick("flash", frozenset({"flash", "flash#2"})) is None


async def test_the_file_s_strategy_is_the_router_s(configuration: Configuration) -> None:
    text = "router_settings: {routing_strategy: latency-based-routing, routing_strategy_args: {ttl: 77}}"
    router = RouterPicker(configuration.plan(MODELS + text)).router
    assert router.routing_strategy == "latency-based-routing"
    assert router.routing_strategy_args == {"ttl": 77}
    assert router.num_retries == 0
