"""Gemini's own API through the running gateway, on both wires and in both lanes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import GatewayProcess
from tests.support.sse import events

MODELS = ("gemini-2.0-flash", "gpt-4o-mini")
HELLO = {"role": "user", "parts": [{"text": "hello"}]}
BOTH = {"role": "user", "parts": [{"text": "use both tools"}]}


def function(name: str, argument: str) -> dict[str, Any]:
    parameters = {"type": "OBJECT", "properties": {argument: {"type": "STRING"}}, "required": [argument]}
    return {"name": name, "description": "d", "parameters": parameters}


TOOLS = [{"functionDeclarations": [function("get_weather", "city"), function("get_time", "zone")]}]


def post(
    gateway: GatewayProcess, method: str, model: str = "default", version: str = "v1beta", **body: Any
) -> httpx.Response:
    with gateway.client() as client:
        return client.post(f"/{version}/models/{model}:{method}", json=body)


def ask(gateway: GatewayProcess, model: str = "default", **body: Any) -> httpx.Response:
    return post(gateway, "generateContent", model, **{"contents": [HELLO], **body})


def stream(gateway: GatewayProcess, model: str = "default", **body: Any) -> list[dict[str, Any]]:
    reply = post(gateway, "streamGenerateContent?alt=sse", model, **{"contents": [HELLO], **body})
    assert reply.headers["content-type"].startswith("text/event-stream")
    found = events(reply.text)
    assert all(event.name is None for event in found)
    return [event.json for event in found]


def parts(responses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All parts of the first candidate, texts joined, as a client puts them together."""
    made: list[dict[str, Any]] = []
    for response in responses:
        for part in response["candidates"][0]["content"].get("parts", []):
            if made and part.keys() == made[-1].keys() == {"text"}:
                made[-1] = {"text": made[-1]["text"] + part["text"]}
            elif part != {"text": ""}:
                made.append(part)
    return made


@pytest.mark.parametrize("model", MODELS)
def test_plain(gateway: GatewayProcess, provider: Double, model: str) -> None:
    config = {"temperature": 0.5, "maxOutputTokens": 50, "stopSequences": ["zzz"]}
    reply = ask(gateway, model, systemInstruction={"parts": [{"text": "be nice"}]}, generationConfig=config)
    body = reply.json()
    assert reply.status_code == 200
    assert body.pop("responseId")
    (candidate,) = body.pop("candidates")
    (part,) = candidate.pop("content")["parts"]
    assert part["text"].endswith('you said "hello"')
    assert candidate == {"finishReason": "STOP", "index": 0}
    assert body == {
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 7, "totalTokenCount": 10},
        "modelVersion": model,
    }
    assert reply.headers["x-ivy-model"] == model


@pytest.mark.parametrize("model", MODELS)
def test_streamed_as_events_or_as_an_array(gateway: GatewayProcess, provider: Double, model: str) -> None:
    plain = ask(gateway, model).json()
    array = post(gateway, "streamGenerateContent", model, contents=[HELLO])
    assert array.headers["content-type"].startswith("application/json")
    for found in (stream(gateway, model), array.json()):
        assert len(found) > 3
        assert parts(found) == plain["candidates"][0]["content"]["parts"]
        assert found[-1]["candidates"][0]["finishReason"] == "STOP"
        assert found[-1]["usageMetadata"] == plain["usageMetadata"]
        assert {one["modelVersion"] for one in found} == {model}
        assert len({one["responseId"] for one in found}) == 1


def test_google_s_newer_address_is_the_same(lean: GatewayProcess, provider: Double) -> None:
    reply = post(lean, "generateContent", "gpt-4o-mini", version="v1", contents=[HELLO])
    assert reply.json()["modelVersion"] == "gpt-4o-mini"
    assert (
        post(lean, "generateContent", "nope", version="v1", contents=[HELLO]).json()["error"]["status"] == "NOT_FOUND"
    )


@pytest.mark.parametrize("model", MODELS)
def test_the_limit_of_tokens_is_told(gateway: GatewayProcess, provider: Double, model: str) -> None:
    config = {"max_output_tokens": 2}
    assert ask(gateway, model, generation_config=config).json()["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert stream(gateway, model, generation_config=config)[-1]["candidates"][0]["finishReason"] == "MAX_TOKENS"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("named", [False, True], ids=["without ids", "with ids"])
def test_two_functions_at_once_and_the_second_turn(
    gateway: GatewayProcess, provider: Double, model: str, streamed: bool, named: bool
) -> None:
    asked: dict[str, Any] = {"contents": [BOTH], "tools": TOOLS}
    made = parts(stream(gateway, model, **asked) if streamed else [ask(gateway, model, **asked).json()])
    calls = [part["functionCall"] for part in made]
    assert [(call["name"], set(call["args"])) for call in calls] == [("get_weather", {"city"}), ("get_time", {"zone"})]
    if not named:
        for call in calls:
            del call["id"]
    results = [
        {
            "functionResponse": {key: call[key] for key in ("name", "id") if key in call}
            | {"response": {"result": "rain"}}
        }
        for call in calls
    ]
    turns = [BOTH, {"role": "model", "parts": made}, {"role": "user", "parts": results}]
    second = ask(gateway, model, contents=turns, tools=TOOLS)
    assert "rain" in parts([second.json()])[0]["text"]


@pytest.mark.parametrize("model", MODELS)
def test_one_function_only_where_the_caller_says_so(gateway: GatewayProcess, provider: Double, model: str) -> None:
    one = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_time"]}}
    (part,) = parts([ask(gateway, model, tools=TOOLS, toolConfig=one).json()])
    assert part["functionCall"]["name"] == "get_time"
    none = {"functionCallingConfig": {"mode": "NONE"}}
    assert "text" in parts([ask(gateway, model, contents=[BOTH], tools=TOOLS, toolConfig=none).json()])[0]


@pytest.mark.parametrize("model", MODELS)
def test_an_answer_by_a_schema(gateway: GatewayProcess, provider: Double, model: str) -> None:
    schema = {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}, "required": ["n"]}
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    assert isinstance(json.loads(parts([ask(gateway, model, generationConfig=config).json()])[0]["text"])["n"], int)
    config = {"responseMimeType": "application/json"}
    assert json.loads(parts([ask(gateway, model, generationConfig=config).json()])[0]["text"])


@pytest.mark.parametrize("model", MODELS)
def test_several_candidates(gateway: GatewayProcess, provider: Double, model: str) -> None:
    found = ask(gateway, model, generationConfig={"candidateCount": 2}).json()["candidates"]
    assert [(one["index"], one["finishReason"]) for one in found] == [(0, "STOP"), (1, "STOP")]


def test_logprobs(gateway: GatewayProcess, provider: Double) -> None:
    config = {"responseLogprobs": True, "logprobs": 2}
    candidate = ask(gateway, "gpt-4o-mini", generationConfig=config).json()["candidates"][0]
    chosen = candidate["logprobsResult"]["chosenCandidates"]
    assert "".join(one["token"] for one in chosen) == candidate["content"]["parts"][0]["text"]


def test_an_image_reaches_the_model(gateway: GatewayProcess, provider: Double) -> None:
    content = {"parts": [{"inlineData": {"mimeType": "image/png", "data": "-_8="}}, {"text": "see"}]}
    for model in MODELS:
        assert ask(gateway, model, contents=content).status_code == 200
    assert all("+/8=" in json.dumps(call["body"]) for call in provider.calls())


def test_an_address_of_an_image_is_never_fetched_here(gateway: GatewayProcess, provider: Double) -> None:
    uri = f"http://127.0.0.1:{provider.port}/picture.png"
    content = {"parts": [{"fileData": {"mimeType": "image/png", "fileUri": uri}}, {"text": "see"}]}
    reply = ask(gateway, contents=content)
    assert reply.headers["x-ivy-model"] == "gpt-4o-mini"
    assert [call["provider"] for call in provider.calls()] == ["openai"]


def test_what_only_gemini_knows_goes_to_gemini_only(gateway: GatewayProcess, provider: Double) -> None:
    setting = {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}
    for model in MODELS:
        assert ask(gateway, model, safetySettings=[setting], generationConfig={"topK": 5}).status_code == 200
    gemini, openai = (call["body"] for call in provider.calls())
    assert gemini["safetySettings"] == [setting]
    config = gemini["generationConfig"]
    assert config.get("top_k", config.get("topK")) == 5
    assert not {"top_k", "topK", "safety_settings", "safetySettings"} & set(openai)


def test_embeddings(gateway: GatewayProcess, provider: Double) -> None:
    name = "text-embedding-3-small"
    content = {"parts": [{"text": "one"}]}
    single = post(gateway, "embedContent", name, content=content, outputDimensionality=4).json()
    assert len(single["embedding"]["values"]) == 4
    requests = [{"model": f"models/{name}", "content": content, "outputDimensionality": 4}] * 2
    batch = post(gateway, "batchEmbedContents", name, requests=requests)
    assert batch.json() == {"embeddings": [single["embedding"]] * 2}
    assert batch.headers["x-ivy-model"] == name
    assert post(gateway, "embedContent", "gpt-4o-mini", content=content).status_code == 404


def test_models(gateway: GatewayProcess) -> None:
    with gateway.client() as client:
        found = client.get("/v1beta/models", params={"pageSize": 50}).json()["models"]
        names = ["default", "gemini-2.0-flash", "gpt-4o-mini", "text-embedding-3-small"]
        assert [one["name"] for one in found] == [f"models/{name}" for name in names]
        assert client.get("/v1beta/models/gpt-4o-mini").json() == found[2]
        missing = client.get("/v1beta/models/gpt-9")
        assert (missing.status_code, missing.json()["error"]["status"]) == (404, "NOT_FOUND")


def test_tokens_are_counted_without_a_provider(gateway: GatewayProcess, provider: Double) -> None:
    one = post(gateway, "countTokens", contents=[HELLO]).json()
    whole = {"contents": [HELLO], "tools": TOOLS, "model": "models/default"}
    more = post(gateway, "countTokens", generateContentRequest=whole).json()
    assert 1 < one["totalTokens"] < 12 < more["totalTokens"] < 200
    assert provider.calls() == []


def refusal(reply: httpx.Response) -> tuple[int, str, str, str | None]:
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code", "status"}
    return reply.status_code, error["status"], error["code"], error["param"]


def test_errors_are_in_google_s_words(gateway: GatewayProcess, provider: Double) -> None:
    unknown = ask(gateway, "gemini-9")
    assert refusal(unknown) == (404, "NOT_FOUND", "model_not_found", "model")
    assert "default, gemini-2.0-flash" in unknown.json()["error"]["message"]
    assert refusal(ask(gateway, api_base="x")) == (400, "INVALID_ARGUMENT", "unknown_parameter", "api_base")
    searched = refusal(ask(gateway, tools=[{"googleSearch": {}}]))
    assert searched == (400, "INVALID_ARGUMENT", "invalid_value", "tools[0].googleSearch")
    assert refusal(ask(gateway, cachedContent="cachedContents/1"))[3] == "cachedContent"
    assert refusal(post(gateway, "streamGenerateContent", "gemini-9", contents=[HELLO]))[0] == 404
    with gateway.client() as client:
        assert refusal(client.get("/v1beta/files"))[:2] == (404, "NOT_FOUND")
        assert refusal(client.post("/v1beta/models"))[:2] == (405, "INVALID_ARGUMENT")
        path = "/v1beta/models/default:generateContent"
        broken = client.post(path, content=b"{", headers={"Content-Type": "application/json"})
        assert refusal(broken) == (400, "INVALID_ARGUMENT", "invalid_json", None)
    assert provider.calls() == []


@pytest.mark.parametrize(
    "name", ["..%2F..%2Fx", "gemini-2.0-flash%2F", "a%3Fb", "gemini-2.0-flash%0A", "gemini%2Fgemini-2.0-flash"]
)
def test_a_model_s_name_is_compared_and_never_sent(lean: GatewayProcess, provider: Double, name: str) -> None:
    assert refusal(ask(lean, name))[0] == 404
    assert provider.calls() == []


def test_what_providers_say_is_in_google_s_words(gateway: GatewayProcess, provider: Double) -> None:
    provider.script("any", {"kind": "status", "status": 429, "retry_after": 9}, then="repeat")
    limited = ask(gateway)
    assert refusal(limited)[:2] == (429, "RESOURCE_EXHAUSTED")
    assert int(limited.headers["retry-after"]) <= 9
    provider.script("any", {"kind": "status", "status": 500}, then="repeat")
    assert refusal(post(gateway, "streamGenerateContent", contents=[HELLO]))[:2] == (503, "UNAVAILABLE")


def test_a_broken_stream_ends_with_an_error(gateway: GatewayProcess, provider: Double) -> None:
    provider.script("any", {"kind": "error_event", "after_chunks": 3}, then="repeat")
    array = post(gateway, "streamGenerateContent", "gpt-4o-mini", contents=[HELLO]).json()
    for last in (stream(gateway, "gpt-4o-mini")[-1], array[-1]):
        assert list(last) == ["error"]
        assert (last["error"]["code"], last["error"]["status"], last["error"]["reason"]) == (
            503,
            "UNAVAILABLE",
            "stream_broken",
        )


def test_a_safety_block_is_told_as_one(gateway: GatewayProcess, provider: Double) -> None:
    provider.script("gemini", {"kind": "safety", "where": "answer"}, then="repeat")
    assert ask(gateway).json()["candidates"][0]["finishReason"] == "SAFETY"


def test_the_key_is_taken_in_google_s_header(start: Start, provider: Double) -> None:
    gateway = start(env={"GATEWAY_MASTER_KEY": "k" * 32})
    with gateway.client() as client:
        for path in ("/v1beta/models/default:generateContent", "/v1/models/default:generateContent"):
            for headers in ({"x-goog-api-key": "k" * 32}, {"Authorization": "Bearer " + "k" * 32}):
                assert client.post(path, json={"contents": [HELLO]}, headers=headers).status_code == 200
            refused = client.post(path + "?key=" + "k" * 32, json={"contents": [HELLO]})
            assert refusal(refused)[:2] == (401, "UNAUTHENTICATED")
