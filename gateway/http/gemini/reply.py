"""A chat's answer as Gemini's GenerateContentResponse: whole, as events, or as one array sent piece by piece."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

import orjson
from starlette.types import Send

from gateway.contract import Call, Chunk, GatewayError
from gateway.http import foreign, sse
from gateway.http.endpoint import Headers
from gateway.http.gemini import errors
from gateway.http.gemini.request import EVENTS
from gateway.http.reply import send_json
from gateway.pipeline import Answer
from gateway.upstream import fold

Json = dict[str, Any]
ARRAY = "application/json; charset=utf-8"
REASONS = {"length": "MAX_TOKENS", "content_filter": "SAFETY"}


async def render(call: Call, answer: Answer, headers: Headers, send: Send) -> None:
    """A GenerateContentResponse, or several: as events, or in an array."""
    if not call.stream:
        body = response(call, fold.completion([chunk async for chunk in answer.chunks]))
        await send_json(send, body, headers=headers())
    elif call.learnt.get(EVENTS):
        events = _events(_responses(call, answer.chunks))
        await sse.stream(send, events, headers, failed=lambda error: sse.event(_failed(error)))
    else:
        elements = _array(_responses(call, answer.chunks))
        broken = partial(b",\r\n%s]".__mod__)
        await sse.stream(
            send, elements, headers, failed=lambda error: broken(orjson.dumps(_failed(error))), content_type=ARRAY
        )


def response(call: Call, completion: Json) -> Json:
    """The GenerateContentResponse of a ``chat.completion``."""
    candidates = [_whole(call, choice) for choice in completion["choices"]]
    return {"candidates": candidates, "usageMetadata": usage(completion.get("usage")), **_head(call, completion)}


def usage(counted: Mapping[str, Any] | None) -> Json:
    """Gemini's counts, in which the thoughts are not among the answer's."""
    counts = foreign.Counts.of(counted)
    made = {
        "promptTokenCount": counts.prompt,
        "candidatesTokenCount": max(0, counts.answer - counts.thoughts),
        "totalTokenCount": counts.prompt + counts.answer,
    }
    more = {"cachedContentTokenCount": counts.cached, "thoughtsTokenCount": counts.thoughts}
    return made | {name: count for name, count in more.items() if count}


def _head(call: Call, data: Mapping[str, Any]) -> Json:
    identifier = str(data.get("id") or uuid.uuid4().hex)
    return {"modelVersion": data.get("model") or call.model, "responseId": identifier.removeprefix("chatcmpl-")}


def _whole(call: Call, choice: Json) -> Json:
    reason = _reason(choice["finish_reason"], refused=bool(choice["message"].get("refusal")))
    parts = _texts(choice["message"], thoughts=bool(call.learnt.get(foreign.THOUGHTS)))
    parts += _calls(choice["message"], cut=reason == "MAX_TOKENS")
    return _candidate(choice["index"], parts, choice.get("logprobs")) | {"finishReason": reason}


def _candidate(index: int, parts: list[Json], logprobs: Json | None) -> Json:
    made: Json = {"content": {"parts": parts, "role": "model"} if parts else {"role": "model"}, "index": index}
    tokens = [one for one in (logprobs or {}).get("content") or () if isinstance(one, dict)]
    if tokens:
        made["logprobsResult"] = {
            "topCandidates": [{"candidates": list(map(_token, one.get("top_logprobs") or ()))} for one in tokens],
            "chosenCandidates": list(map(_token, tokens)),
        }
        made["avgLogprobs"] = sum(one.get("logprob") or 0.0 for one in tokens) / len(tokens)
    return made


def _token(one: Json) -> Json:
    return {"token": one.get("token"), "logProbability": one.get("logprob")}


def _texts(said: Mapping[str, Any], *, thoughts: bool) -> list[Json]:
    parts: list[Json] = []
    if thoughts and said.get("reasoning_content"):
        parts.append({"text": said["reasoning_content"], "thought": True})
    return parts + [{"text": said[key]} for key in ("content", "refusal") if said.get(key)]


def _calls(message: Json, *, cut: bool) -> list[Json]:
    parts = []
    for call in message.get("tool_calls") or ():
        called = {"name": call["function"].get("name") or "", "args": foreign.arguments(call, cut=cut)}
        part: Json = {"functionCall": called | ({"id": call["id"]} if call.get("id") else {})}
        signature = (call.get("provider_specific_fields") or {}).get("thought_signature")
        parts.append(part | {"thoughtSignature": signature} if signature else part)
    return parts


def _reason(finish: str | None, *, refused: bool) -> str:
    return "SAFETY" if refused else REASONS.get(finish or "", "STOP")


async def _responses(call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Json]:
    """One for each piece of text; then the functions called, whole as Google sends them, with why each candidate ended
    and the usage."""
    thoughts = bool(call.learnt.get(foreign.THOUGHTS))
    rest = fold.Fold()
    head: Json = {}
    counted: Mapping[str, Any] | None = None
    async for chunk in chunks:
        counted = chunk.data.get("usage") or counted
        candidates = []
        for choice in chunk.data.get("choices") or ():
            delta, index = choice.get("delta") or {}, choice.get("index", 0)
            rest.add({"choices": [_unsaid(choice, delta)]})
            parts = _texts(delta, thoughts=thoughts)
            if parts:
                candidates.append(_candidate(index, parts, choice.get("logprobs")))
        if candidates:
            head = head or _head(call, chunk.data)
            yield {"candidates": candidates, **head}
    ends = [_end(choice) for choice in rest.reply()["choices"]]
    yield {"candidates": ends, "usageMetadata": usage(counted), **(head or _head(call, {}))}


def _unsaid(choice: Json, delta: Json) -> Json:
    """What of a choice is kept for the end; of a refusal, that there is one."""
    kept: Json = {key: delta[key] for key in ("tool_calls", "refusal") if delta.get(key)}
    return {"index": choice.get("index", 0), "delta": kept, "finish_reason": choice.get("finish_reason")}


def _end(choice: Json) -> Json:
    message = choice["message"]
    reason = _reason(choice["finish_reason"], refused=bool(message.get("refusal")))
    # Google's clients count an answer whose last piece has no parts as none.
    parts = _calls(message, cut=reason == "MAX_TOKENS") or [{"text": ""}]
    return _candidate(choice["index"], parts, None) | {"finishReason": reason}


async def _events(responses: AsyncIterator[Json]) -> AsyncIterator[bytes]:
    async for one in responses:
        yield sse.event(one)


async def _array(responses: AsyncIterator[Json]) -> AsyncIterator[bytes]:
    before = b"["
    async for one in responses:
        yield before + orjson.dumps(one)
        before = b",\r\n"
    yield b"]"


def _failed(error: GatewayError) -> Json:
    """In a stream Google's clients want the status in ``code``, where no status line has told it; OpenAI's word for it
    is in ``reason``."""
    body = errors.body(error)["error"]
    return {"error": {**body, "code": error.status, "reason": body["code"]}}
