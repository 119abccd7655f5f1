from __future__ import annotations

from typing import Any

import pytest
from google.genai import types
from typing_extensions import get_type_hints

from gateway.http import schema
from gateway.http.schema import gemini_content as ours
from gateway.http.schema.gemini import GENERATE
from tests.support.parameter_types import literals
from tests.support.schema import refused

BLOB = {"mimeType": "image/png", "data": "AA=="}
#: Google's fields that are not carried, and why.
NOT_CARRIED = {
    "Part": {
        "audio_metadata",
        "audio_transcription",
        "document_metadata",
        "media_processing",
        "media_resolution",
        "part_metadata",
        "speech_metadata",
        "spreadsheet_metadata",
        "video_metadata",
    },  # how Google is to read the part, which a chat can't say
    "Tool": {"enterprise_web_search", "exa_ai_search", "parallel_ai_search", "retrieval"},  # of Google's platform only
}
NAMES = (
    "Blob", "Content", "FileData", "FunctionCall", "FunctionCallingConfig", "FunctionDeclaration", "FunctionResponse",
    "Part", "Tool", "ToolConfig",
)  # fmt: skip


def asked(part: Any) -> dict[str, Any]:
    return {"contents": [{"parts": [part]}]}


@pytest.mark.parametrize("name", NAMES)
def test_the_fields_are_those_of_google_s_client(name: str) -> None:
    theirs = set(getattr(types, name).model_fields)
    assert set(get_type_hints(getattr(ours, name))) == theirs - NOT_CARRIED.get(name, set())


def test_the_modes_are_those_of_google_s_client() -> None:
    modes = get_type_hints(ours.FunctionCallingConfig, include_extras=True)["mode"]
    assert literals(modes) == {mode.value for mode in types.FunctionCallingConfigMode}


@pytest.mark.parametrize(
    "part",
    [
        {"text": "a"},
        {"text": "a", "thought": True, "thoughtSignature": "c2ln"},
        {"text": None, "inline_data": {"mime_type": "image/png", "data": "AA=="}},
        {"inlineData": {**BLOB, "displayName": None}},
        {"fileData": {"fileUri": "https://a", "mimeType": "image/png"}},
        {"functionCall": {"name": "f", "args": {"maxTokens": 1, "max_tokens": 2}, "id": "1"}},
        {"function_call": {"name": "a.b:c-d_e"}},
        {"functionResponse": {"name": "f", "response": {"api_base": "x"}, "willContinue": False}},
        {},
    ],
)
def test_every_kind_of_part_is_accepted(part: dict[str, Any]) -> None:
    schema.check(GENERATE, asked(part))


def test_what_callers_wrote_for_functions_keeps_its_spelling() -> None:
    args = {"maxTokens": 1, "max_tokens": 2}
    made: Any = schema.check(GENERATE, asked({"functionCall": {"name": "f", "args": args}}))
    assert made["contents"][0]["parts"][0]["function_call"]["args"] == args


@pytest.mark.parametrize(
    ("part", "param", "says"),
    [
        ({"text": 5}, "contents[0].parts[0].text", "valid string"),
        ({"x": 5}, "contents[0].parts[0].x", "Unknown"),
        ({"inlineData": {"mimeType": "a;b", "data": "AA"}}, "contents[0].parts[0].inlineData.mimeType", "pattern"),
        ({"inlineData": {"mimeType": "a/b"}}, "contents[0].parts[0].inlineData.data", "Missing"),
        ({"functionCall": {"name": "1"}}, "contents[0].parts[0].functionCall.name", "pattern"),
        ({"functionCall": {"name": "f", "args": []}}, "contents[0].parts[0].functionCall.args", "valid dictionary"),
        ({"executableCode": {"code": "1"}}, "contents[0].parts[0].executableCode", "only Google's own services"),
        (
            {"functionResponse": {"name": "f", "parts": [{}]}},
            "contents[0].parts[0].functionResponse.parts",
            "only Google",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(part: Any, param: str, says: str) -> None:
    error = refused(GENERATE, asked(part))
    assert error.param == param
    assert says in error.message


@pytest.mark.parametrize("name", ["googleSearch", "google_search", "codeExecution", "urlContext", "mcpServers"])
def test_google_s_own_tools_are_refused_in_words(name: str) -> None:
    error = refused(GENERATE, {"contents": "hi", "tools": [{name: {}}]})
    assert (error.param, error.code) == (f"tools[0].{name}", "invalid_value")
    assert "only Google's own services" in error.message


@pytest.mark.parametrize("role", ["system", "assistant", "USER", 1])
def test_only_google_s_roles_speak(role: Any) -> None:
    assert refused(GENERATE, {"contents": [{"role": role, "parts": [{"text": "a"}]}]}).param == "contents[0].role"
