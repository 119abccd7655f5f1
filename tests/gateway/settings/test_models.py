from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import ConfigError
from gateway.settings.models import FOREIGN_SECTIONS, ModelsFile
from gateway.settings.source import Document
from tests.support.configuration import MODELS

SHAPE = "{}: expected '- a-model: [its-fallback, ...]'"
NAMES = "expected a list of model names"
#: The line after MODELS.
NEXT = MODELS.count("\n") + 1


def models(text: str, **environ: str) -> ModelsFile:
    return ModelsFile(Document(Path("litellm.yaml"), text), environ)


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        models(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "litellm.yaml: expected a mapping with a 'model_list'"),
        ("- a", "litellm.yaml:1: expected a mapping with a 'model_list'"),
        ("router_settings: {}", "litellm.yaml:1: 'model_list' is missing"),
        ("model_list:", "litellm.yaml:1: 'model_list' is missing"),
        ("model_list: 3", "litellm.yaml:1: 'model_list': expected a list, got 3"),
        ("model_list: []", "litellm.yaml:1: 'model_list': expected at least one item, got a list"),
        ("modl_list: []", "litellm.yaml:1: unknown key 'modl_list'; did you mean 'model_list'?"),
        (
            "\nq: 1",
            "litellm.yaml:2: unknown key 'q'; "
            "valid here: general_settings, litellm_settings, model_list, router_settings",
        ),
        (
            "model_list:\n- model_nam: a\n  model_name: b\n  litellm_params: {model: x}",
            "litellm.yaml:2: unknown key 'model_list.0.model_nam'; did you mean 'model_name'?",
        ),
        ("model_list:\n- litellm_params: {model: x}", "litellm.yaml:2: 'model_list.0.model_name' is missing"),
        ("model_list:\n- model_name: a", "litellm.yaml:2: 'model_list.0.litellm_params' is missing"),
        (
            "model_list:\n- model_name: a\n  litellm_params: {modl: x}",
            "litellm.yaml:3: 'model_list.0.litellm_params.model' is missing",
        ),
        (
            "model_list:\n- modl_name: a\n  litellm_params: {model: x}",
            "litellm.yaml:2: unknown key 'model_list.0.modl_name'; did you mean 'model_name'?",
        ),
        (
            "include: [more.yaml]",
            "litellm.yaml:1: 'include' is not supported here; write the models into this file",
        ),
        (
            "model_list:\n- model_name: a\n  litellm_params: sk-of-the-test",
            "litellm.yaml:3: 'model_list.0.litellm_params': expected a mapping, got a text",
        ),
        (
            MODELS + "router_settings: os.environ/NOWHERE",
            f"litellm.yaml:{NEXT}: 'router_settings': environment variable NOWHERE is not set",
        ),
        (
            "model_list:\n- model_name: 3\n  litellm_params: {model: x}",
            "litellm.yaml:2: 'model_list.0.model_name': expected text, got 3",
        ),
        (
            "model_list:\n- model_name: a\n  litellm_params:\n    model: os.environ/NOWHERE",
            "litellm.yaml:4: 'model_list.0.litellm_params.model': environment variable NOWHERE is not set",
        ),
        (MODELS + "router_settings: []", f"litellm.yaml:{NEXT}: 'router_settings': expected a mapping, got a list"),
    ],
)
def test_a_file_of_another_shape_is_refused(text: str, message: str) -> None:
    assert refusal(text) == message


SECTIONS = ["router_settings", "litellm_settings"]
KINDS = ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"]
NO_MINNI = "fallback names the model 'minni', which 'model_list' does not have; did you mean 'mini'?"


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("value", "line", "message"),
    [
        (" [{flash: [minni]}]", 0, NO_MINNI),
        ("\n  - mini: [flash]\n  - qq: [mini]", 2, "fallback names the model 'qq', which 'model_list' "
         "does not have; valid here: flash, mini, vectors"),
        (" 3", 0, SHAPE),
        (" {flash: [mini]}", 0, SHAPE),
        ("\n  - flash", 1, SHAPE),
        ("\n  - flash: mini", 1, NAMES),
        ("\n  - flash: [3]", 1, NAMES),
        ("\n  - flash:", 1, NAMES),
        ("\n  - '*': [minni]", 1, NO_MINNI),
        (" os.environ/NOWHERE", 0, "environment variable NOWHERE is not set"),
        ("\n  - flash: [os.environ/NOWHERE]", 1, "environment variable NOWHERE is not set"),
    ],
)  # fmt: skip
def test_fallbacks_that_lead_nowhere_are_refused(section: str, kind: str, value: str, line: int, message: str) -> None:
    found = set(refusal(f"{MODELS}{section}:\n  {kind}:{value}").split("\n"))
    assert found == {f"litellm.yaml:{NEXT + 1 + line}: {message.format(repr(kind))}"}


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize(
    ("value", "message"),
    [("os.environ/NOWHERE", "environment variable NOWHERE is not set"), ("mini", NAMES), ("[minni]", NO_MINNI)],
)
def test_default_fallbacks_that_lead_nowhere_are_refused(section: str, value: str, message: str) -> None:
    found = set(refusal(f"{MODELS}{section}:\n  default_fallbacks: {value}").split("\n"))
    assert found == {f"litellm.yaml:{NEXT + 1}: {message}"}


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("kind", KINDS[1:])
def test_fallbacks_of_one_kind_of_failure_are_those_of_models_that_have_any(section: str, kind: str) -> None:
    text = f"{MODELS}{section}: {{default_fallbacks: [mini], {kind}: [{{flash: []}}, {{'*': [mini, mini]}}]}}"
    found = models(text)
    assert getattr(found, kind) == {"vectors": ("mini",)}
    (other,) = {*KINDS[1:]} - {kind}
    assert getattr(found, other) == {}
    assert found.fallbacks == {"flash": ("mini",), "mini": (), "vectors": ("mini",)}


@pytest.mark.parametrize("section", ["router_settings", "litellm_settings"])
def test_default_fallbacks_are_every_model_s_unless_it_has_its_own(section: str) -> None:
    text = f"{MODELS}{section}: {{default_fallbacks: [mini], fallbacks: [{{flash: [vectors, flash, vectors]}}]}}"
    assert models(text).fallbacks == {"flash": ("vectors",), "mini": (), "vectors": ("mini",)}


def test_router_settings_win_over_litellm_settings() -> None:
    text = MODELS + (
        "router_settings: {fallbacks: [{flash: [mini]}]}\n"
        "litellm_settings: {fallbacks: [{flash: [vectors]}, {mini: [flash]}]}"
    )
    assert models(text).fallbacks == {"flash": ("mini",), "mini": ("flash",)}


@pytest.mark.parametrize("section", sorted(FOREIGN_SECTIONS))
def test_sections_of_litellm_s_proxy_are_named_and_ignored(section: str) -> None:
    found = models(f"{MODELS}{section}: []")
    assert found.warnings == [f"litellm.yaml:{NEXT}: {section!r} is not supported here and is ignored"]


def test_a_section_of_comments_counts_as_absent() -> None:
    assert models(f"{MODELS}router_settings:\n  # fallbacks: []").file.router_settings == {}


def test_values_come_from_the_environment_wherever_they_stand() -> None:
    text = MODELS + "general_settings: {a: [{b: os.environ/THERE}], c: os.environ/NOT_THERE}"
    found = models(text, THERE=" value ", GEMINI_API_KEY="g", OPENAI_API_KEY="  ")
    assert found.file.general_settings == {"a": [{"b": "value"}], "c": None}
    assert found.file.model_list[0].litellm_params.model_extra == {"api_key": "g"}
    assert found.unset[("model_list", 1, "litellm_params", "api_key")] == "OPENAI_API_KEY"
    assert found.unset[("general_settings", "c")] == "NOT_THERE"


def test_names_keep_the_file_s_order_and_stand_once() -> None:
    again = "  - model_name: flash\n    litellm_params: {model: openai/gpt-4o}\n"
    assert models(MODELS + again).file.names == ("flash", "mini", "vectors")


@pytest.mark.parametrize(("general", "own"), [("litellm", "router"), ("router", "litellm"), ("router", "router")])
def test_a_star_s_fallbacks_are_those_of_models_that_have_none_of_their_own(general: str, own: str) -> None:
    entries = {general: ["'*': [mini]"]}
    entries.setdefault(own, []).append("flash: [vectors]")
    sections = (
        f"{name}_settings: {{fallbacks: [{', '.join(f'{{{e}}}' for e in es)}]}}" for name, es in entries.items()
    )
    found = models(MODELS + "\n".join(sections)).fallbacks
    assert found == {"flash": ("vectors",), "mini": (), "vectors": ("mini",)}


def test_a_fallback_that_names_an_alias_says_so() -> None:
    text = MODELS + "router_settings:\n  model_group_alias: {gpt-4: mini}\n  fallbacks: [{flash: [gpt-4]}]"
    assert refusal(text) == (
        f"litellm.yaml:{NEXT + 2}: fallback names the model 'gpt-4', which 'model_list' does not have: "
        "it stands in 'model_group_alias', which is not supported here; name the model itself"
    )


def test_what_else_litellm_lets_stand_in_an_entry_is_named() -> None:
    found = models("model_list:\n- model_name: a\n  litellm_params: {model: x}\n  tpm: 3\n  rpm: 4")
    assert found.warnings == [
        f"litellm.yaml:{line}: {key!r} beside 'litellm_params' is not used here and is ignored"
        for line, key in ((4, "tpm"), (5, "rpm"))
    ]


def test_keys_that_hold_anchors_are_left_alone() -> None:
    text = "x-params: &p {api_key: os.environ/NOWHERE}\n.more: 3\n"
    found = models(text + "model_list:\n- model_name: a\n  litellm_params: {<<: *p, model: x}")
    assert found.warnings == []
    assert set(found.unset) == {("model_list", 0, "litellm_params", "api_key")}


def test_a_value_from_the_environment_is_not_printed() -> None:
    text = "model_list:\n- model_name: a\n  litellm_params: {model: x}\n  model_info: os.environ/INFO"
    with pytest.raises(ConfigError) as caught:
        models(text, INFO="of-the-environment")
    assert "of-the-environment" not in str(caught.value)
