from __future__ import annotations

from typing import Any

import pytest
from google.genai import types
from pydantic.alias_generators import to_camel
from typing_extensions import get_type_hints

from gateway.http import schema
from gateway.http.schema import gemini as ours
from gateway.http.schema.gemini import BATCH, COUNT, EMBED, GENERATE, GenerateBody
from tests.support.parameter_types import literals
from tests.support.schema import ATTACKS, refused

HI = {"role": "user", "parts": [{"text": "hi"}]}
BODY: dict[str, Any] = {"contents": [HI]}
SETTING = {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "OFF"}
#: One good value for every parameter: the whole of what may be sent.
GOOD: dict[str, list[Any]] = {
    "contents": [[HI], HI, "hi", ["hi", {"parts": {"text": "ho"}}]],
    "model": ["models/m"],
    "system_instruction": [{"parts": [{"text": "a"}]}, "a", {}],
    "tools": [[{"functionDeclarations": [{"name": "f"}]}], {"function_declarations": {"name": "f"}}, []],
    "tool_config": [{"functionCallingConfig": {"mode": "auto"}}, {}],
    "safety_settings": [[SETTING], []],
    "generation_config": [{"temperature": 0, "topK": 40, "thinkingConfig": {"thinkingBudget": -1}}, {}],
    "service_tier": ["flex"],
    "labels": [{"a": "b"}],
    "store": [False],
    "cached_content": [],
}
#: Of Google's client's settings: those that it keeps for itself, or that only Google's platform for enterprises takes.
THE_CLIENT_S = {
    "http_options",
    "should_return_http_response",
    "automatic_function_calling",
    "automatic_continuation",
    "audio_timestamp",
    "routing_config",
    "model_selection_config",
    "model_armor_config",
    "generation_output_config",
}
#: Those that are not carried, since no chat has words for them.
NOT_CARRIED = {
    "audio_transcription_config": "of spoken input",
    "continuation_token": "Google's own way to go on",
    "enable_enhanced_civic_answers": "Google's own filter",
}


def test_every_parameter_has_a_good_value_here() -> None:
    assert set(GOOD) == set(get_type_hints(GenerateBody))


def test_the_parameters_are_those_of_google_s_client() -> None:
    ours_all = set(get_type_hints(GenerateBody)) | set(get_type_hints(ours.GenerationConfig))
    theirs = set(types.GenerateContentConfig.model_fields)
    assert theirs - ours_all == THE_CLIENT_S | set(NOT_CARRIED)
    assert ours_all - theirs == {"contents", "model", "generation_config"}
    assert set(get_type_hints(ours.ThinkingConfig)) == set(types.ThinkingConfig.model_fields)
    assert set(get_type_hints(ours.SafetySetting)) == set(types.SafetySetting.model_fields) - {"method"}


def test_the_words_are_those_of_google_s_client() -> None:
    assert literals(ours.LEVELS) == {level.value for level in types.ThinkingLevel}
    assert literals(ours.THRESHOLDS) == {threshold.value for threshold in types.HarmBlockThreshold}
    enterprise = {one.value for one in types.HarmCategory if "IMAGE" in one.value or "JAILBREAK" in one.value}
    assert literals(ours.CATEGORIES) == {category.value for category in types.HarmCategory} - enterprise


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_what_google_s_schema_has_is_accepted_in_either_spelling(name: str, value: Any) -> None:
    for spelt in {name: 0, to_camel(name): 0}:
        assert schema.check(GENERATE, {**BODY, spelt: value})[name] is not None  # type: ignore[literal-required]


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"contents"}))
def test_a_null_is_as_good_as_nothing(name: str) -> None:
    schema.check(GENERATE, {**BODY, name: None})


@pytest.mark.parametrize("name", ATTACKS)
def test_what_litellm_would_act_on_is_refused_by_name(name: str) -> None:
    error = refused(GENERATE, {**BODY, name: "x"})
    assert (error.code, error.param) == ("unknown_parameter", name)


@pytest.mark.parametrize(
    ("changes", "param", "says"),
    [
        ({"contents": []}, "contents", "at least 1"),
        ({"contents": None}, "contents", "valid list"),
        ({"generationConfig": {"maxOutputTokens": 0}}, "generationConfig.maxOutputTokens", "greater than or equal"),
        ({"generation_config": {"max_output_tokens": 0}}, "generation_config.max_output_tokens", "greater than"),
        ({"generationConfig": {"topk": 1}}, "generationConfig.topk", "Unknown"),
        ({"generationConfig": {"temperature": 3}}, "generationConfig.temperature", "less than or equal to 2"),
        ({"generationConfig": {"candidateCount": 9}}, "generationConfig.candidateCount", "less than or equal to 8"),
        ({"generationConfig": {"stopSequences": ["a"] * 6}}, "generationConfig.stopSequences", "at most 5"),
        (
            {"generationConfig": {"responseMimeType": "text/x.enum"}},
            "generationConfig.responseMimeType",
            "'text/plain'",
        ),
        ({"generationConfig": {"responseModalities": ["IMAGE"]}}, "generationConfig.responseModalities[0]", "'TEXT'"),
        ({"generationConfig": {"speechConfig": {}}}, "generationConfig.speechConfig", "only Google's own services"),
        (
            {"generationConfig": {"thinkingConfig": {"thinkingBudget": -2}}},
            "generationConfig.thinkingConfig.thinkingBudget",
            "-1",
        ),
        ({"safetySettings": [{**SETTING, "threshold": "x"}]}, "safetySettings[0].threshold", "'BLOCK_NONE'"),
        ({"cachedContent": "cachedContents/1"}, "cachedContent", "only Google's own services"),
        ({"cached_content": "cachedContents/1"}, "cached_content", "only Google's own services"),
        ({"systemInstruction": {}, "system_instruction": {}}, "system_instruction", "Unknown"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(changes: dict[str, Any], param: str, says: str) -> None:
    error = refused(GENERATE, {**BODY, **changes})
    assert error.param == param
    assert says in error.message


def test_the_other_bodies() -> None:
    schema.check(COUNT, BODY)
    schema.check(COUNT, {"generateContentRequest": {**BODY, "model": "models/m"}})
    assert refused(COUNT, {**BODY, "tools": []}).param == "tools"
    schema.check(EMBED, {"content": HI, "taskType": "X", "title": "t", "outputDimensionality": 3, "model": "m"})
    assert refused(EMBED, {}).param == "content"
    assert refused(EMBED, {"content": HI, "outputDimensionality": 0}).param == "outputDimensionality"
    schema.check(BATCH, {"requests": [{"content": HI}]})
    assert refused(BATCH, {"requests": [{"content": HI, "api_base": "x"}]}).param == "requests[0].api_base"
