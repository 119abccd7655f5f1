"""/v1/completions through the running gateway, as OpenAI's own client uses it, on both wires and in both lanes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.double.client import Double
from tests.support.gateway import GatewayProcess
from tests.support.sse import events

MODELS = ("gemini-2.0-flash", "gpt-4o-mini")
PROMPTS = ["[[say:one two]]", "[[say:three four five]]", "[[say:six]]"]
TEXTS = ["one two", "three four five", "six"]


@pytest.fixture
def client(gateway: GatewayProcess, provider: Double) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="unused", max_retries=0) as made:
        yield made


@pytest.mark.parametrize("model", MODELS)
def test_plain(client: openai.OpenAI, provider: Double, model: str) -> None:
    raw = client.completions.with_raw_response.create(model=model, prompt="[[say:one two three]]", max_tokens=2)
    reply = raw.parse()
    assert (reply.object, reply.model) == ("text_completion", model)
    assert reply.id.startswith("cmpl-")
    assert (reply.choices[0].text, reply.choices[0].finish_reason) == ("one two", "length")
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0
    assert (raw.headers["x-ivy-model"], raw.headers["x-ivy-attempts"]) == (model, "1")
    (call,) = provider.calls()
    asked = call["body"].get("messages") or call["body"]["contents"]
    assert [message["role"] for message in asked] == ["user"]


@pytest.mark.parametrize("model", MODELS)
def test_streamed(gateway: GatewayProcess, provider: Double, model: str) -> None:
    body = {"model": model, "prompt": "[[say:one two three]]", "echo": True, "stream": True}
    with gateway.client() as client:
        reply = client.post("/v1/completions", json={**body, "stream_options": {"include_usage": True}})
    found = events(reply.text)
    assert found[-1].data == "[DONE]"
    chunks = [event.json for event in found[:-1]]
    assert all(choice["text"] is not None for chunk in chunks for choice in chunk["choices"])
    assert "".join(c["text"] for chunk in chunks for c in chunk["choices"]) == "[[say:one two three]]one two three"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]][-1] == "stop"
    assert [chunk["usage"] is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert {(chunk["object"], chunk["model"]) for chunk in chunks} == {("text_completion", model)}
    assert len({chunk["id"] for chunk in chunks}) == 1


def test_several_prompts_are_several_chats(client: openai.OpenAI, provider: Double) -> None:
    reply = client.completions.create(model="gpt-4o-mini", prompt=PROMPTS, n=2)
    assert [(c.index, c.text) for c in reply.choices] == list(enumerate(t for t in TEXTS for _ in range(2)))
    assert {choice.finish_reason for choice in reply.choices} == {"stop"}
    calls = provider.calls()
    assert sorted(call["body"]["messages"][0]["content"] for call in calls) == sorted(PROMPTS)
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (6, 12)  # words, as the double counts them


def test_several_prompts_streamed(client: openai.OpenAI) -> None:
    texts = dict.fromkeys(range(3), "")
    finishes: list[int] = []
    options: Any = {"include_usage": True}
    with client.completions.create(model="gpt-4o-mini", prompt=PROMPTS, stream=True, stream_options=options) as stream:
        chunks = list(stream)
    for chunk in chunks:
        for choice in chunk.choices:
            texts[choice.index] += choice.text
            finishes += [choice.index] if choice.finish_reason else []
    assert list(texts.values()) == TEXTS
    assert sorted(finishes) == [0, 1, 2]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 6 + 6


def test_one_prompt_without_an_answer_is_no_answer(client: openai.OpenAI, provider: Double) -> None:
    provider.script("any", {"kind": "status", "status": 500}, then="repeat")
    with pytest.raises(openai.InternalServerError):
        client.completions.create(model="default", prompt=PROMPTS)


def test_log_probabilities(client: openai.OpenAI) -> None:
    reply = client.completions.create(model="gpt-4o-mini", prompt="[[say:one two three]]", logprobs=1)
    told = reply.choices[0].logprobs
    assert told is not None
    assert told.tokens == ["one", " two", " three"]
    assert told.text_offset == [0, 3, 7]
    assert told.token_logprobs == [-0.125] * 3
    assert told.top_logprobs == [{token: -0.125} for token in told.tokens]


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": [[1], [2]]}, "prompt"),
        ({"suffix": "end"}, "suffix"),
        ({"best_of": 3}, "best_of"),
        ({"echo": True, "logprobs": 1}, "logprobs"),
        ({"api_base": "http://127.0.0.1:9"}, "api_base"),
    ],
)
def test_what_a_chat_can_t_do_is_refused(
    client: openai.OpenAI, provider: Double, changes: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.post("/completions", body={"model": "default", "prompt": "a", **changes}, cast_to=object)
    assert refused.value.param == param
    assert provider.calls() == []


def test_a_model_that_is_not_there(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=r"default, gemini-2\.0-flash"):
        client.completions.create(model="gpt-9", prompt="a")


def test_a_broken_stream_is_an_error(client: openai.OpenAI, provider: Double) -> None:
    provider.script("any", {"kind": "error_event", "after_chunks": 3}, then="repeat")
    with (
        client.completions.create(model="gpt-4o-mini", prompt=PROMPTS, stream=True) as stream,
        pytest.raises(openai.APIError, match="broke off"),
    ):
        list(stream)


def test_another_model_takes_over(client: openai.OpenAI, provider: Double) -> None:
    provider.script("gemini", {"kind": "status", "status": 503}, then="repeat")
    raw = client.completions.with_raw_response.create(model="default", prompt=PROMPTS)
    assert raw.headers["x-ivy-model"] == "gpt-4o-mini"
    assert [choice.text for choice in raw.parse().choices] == TEXTS


def test_a_caller_who_leaves_ends_all_prompts_calls(gateway: GatewayProcess, provider: Double) -> None:
    provider.settings(chunk_interval_ms=100)
    body = {"model": "gpt-4o-mini", "prompt": ["[[words:40]]"] * 3, "stream": True}
    with gateway.client() as client, client.stream("POST", "/v1/completions", json=body) as reply:
        next(reply.iter_text())
    calls = provider.wait_calls(3, 5)
    assert [call["outcome"] for call in calls] == ["aborted"] * 3
    assert all(call["chunks_sent"] < 40 for call in calls)
