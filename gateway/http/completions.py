"""``POST /v1/completions``, OpenAI's older format, as chat in other words: a prompt is a user's message.

Without ``max_tokens`` an answer is as long as the model makes it, not 16 tokens: a chat model's answer cut there is of
no use. ``text_offset`` counts from the answer's beginning. What a chat has no words for is refused: ``suffix``, tokens
in place of text, a ``best_of`` that leaves answers out, and log probabilities of the prompt itself.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.types import Scope, Send

from gateway.contract import Call, Chunk, Identity, InvalidRequest, Operation, Surface
from gateway.engine import Engine
from gateway.http import schema, sse
from gateway.http.endpoint import Headers
from gateway.http.param_names import in_words_of
from gateway.http.reply import send_json
from gateway.http.schema.completion import COMPLETION
from gateway.pipeline import Answer
from gateway.upstream import fold

Json = dict[str, Any]
CARRIED = (
    "frequency_penalty",
    "logit_bias",
    "max_tokens",
    "presence_penalty",
    "seed",
    "stop",
    "temperature",
    "top_p",
    "user",
)
#: The fields that a chat has under other names.
NAMES = {"messages": "prompt", "top_logprobs": "logprobs"}
MOST_ANSWERS = 128
FINISHES = frozenset({"stop", "length", "content_filter"})


def parse(engine: Engine, scope: Scope, body: Json, identity: Identity) -> Call:
    """The call of all prompts, which ``prompts.Prompts`` runs; raises InvalidRequest and NotFound."""
    schema.check(COMPLETION, body)
    prompts = (body["prompt"],) if isinstance(body["prompt"], str) else tuple(body["prompt"])
    each = body.get("n") or 1
    _check_chat_can(body, each, each * len(prompts))
    engine.plan.chain(body["model"], Operation.CHAT)
    return Call(
        request_id=scope["request_id"],
        surface=Surface.V1,
        operation=Operation.CHAT,
        model=body["model"],
        params=_params(body, prompts, each * len(prompts)),
        stream=bool(body.get("stream")),
        usage_wanted=bool((body.get("stream_options") or {}).get("include_usage")),
        learnt={"prompts": prompts, "n": each, "echo": bool(body.get("echo"))},
        identity=identity,
    )


def _check_chat_can(body: Json, each: int, answers: int) -> None:
    if body.get("suffix"):
        raise InvalidRequest("The models here can't insert text: leave 'suffix' out.", param="suffix")
    if body.get("best_of") not in (None, each):
        message = "All answers are given: 'best_of' must be what 'n' is, or be left out."
        raise InvalidRequest(message, param="best_of")
    if body.get("echo") and body.get("logprobs") is not None:
        message = "Chat models give no log probabilities of a prompt: leave 'logprobs' or 'echo' out."
        raise InvalidRequest(message, param="logprobs")
    if answers > MOST_ANSWERS:
        raise InvalidRequest(f"'n' times the number of prompts may be at most {MOST_ANSWERS}.", param="n")


def _params(body: Json, prompts: tuple[str, ...], answers: int) -> Json:
    params = {key: body[key] for key in CARRIED if body.get(key) is not None}
    params["messages"] = [{"role": "user", "content": prompt} for prompt in prompts]
    if answers > 1:
        params["n"] = answers
    if body.get("logprobs") is not None:
        params["logprobs"] = True
        if body["logprobs"]:
            params["top_logprobs"] = body["logprobs"]
    return params


async def render(call: Call, answer: Answer, headers: Headers, send: Send) -> None:
    """A ``text_completion``, or its events and ``[DONE]``."""
    if call.stream:
        await sse.stream(send, _events(call, answer), headers)
        return
    reply = fold.completion([chunk async for chunk in in_words_of(NAMES, answer.chunks)])
    texts = _Texts(call)
    choices = [texts.choice(choice, choice["message"]) for choice in reply["choices"]]
    body = _head(call, reply) | {"choices": choices}
    if reply.get("usage"):
        body["usage"] = reply["usage"]
    await send_json(send, body, headers=headers())


async def _events(call: Call, answer: Answer) -> AsyncIterator[bytes]:
    """Chunks that say something, and usage by itself at the end for who asked for it."""
    texts, usage = _Texts(call), None
    head: Json = {}
    async for chunk in in_words_of(NAMES, answer.chunks):
        head = head or _head(call, chunk.data)
        usage = chunk.data.get("usage") or usage
        choices = texts.choices(chunk)
        if choices:
            yield sse.event({**head, "choices": choices, **({"usage": None} if call.usage_wanted else {})})
    if call.usage_wanted and usage:
        yield sse.event({**head, "choices": [], "usage": usage})
    yield sse.event(b"[DONE]")


def _head(call: Call, data: Mapping[str, Any]) -> Json:
    head = {
        "id": f"cmpl-{uuid.uuid4().hex}",
        "object": "text_completion",
        "created": data.get("created") or int(time.time()),
        "model": data.get("model") or call.trail.model or call.model,
    }
    fingerprint = data.get("system_fingerprint")
    return head | ({"system_fingerprint": fingerprint} if fingerprint else {})


class _Texts:
    """Turns a chat's choices into a completion's, and knows what each has said before."""

    def __init__(self, call: Call) -> None:
        self._learnt = call.learnt
        self._alternatives = "top_logprobs" in call.params
        self._begun: set[int] = set()
        self._offsets: dict[int, int] = {}

    def choices(self, chunk: Chunk) -> list[Json]:
        """Those of a streamed chunk that say something or end."""
        made = [self.choice(choice, choice.get("delta") or {}) for choice in chunk.data.get("choices") or ()]
        return [choice for choice in made if choice["text"] or choice["logprobs"] or choice["finish_reason"]]

    def choice(self, choice: Mapping[str, Any], said: Mapping[str, Any]) -> Json:
        """A choice whose message or delta is ``said``; its text is never null."""
        index, finish = choice.get("index", 0), choice.get("finish_reason")
        return {
            "text": self._echo(index) + (said.get("content") or "") + (said.get("refusal") or ""),
            "index": index,
            "logprobs": self._logprobs(index, (choice.get("logprobs") or {}).get("content") or ()),
            "finish_reason": finish if finish in FINISHES or not finish else "stop",
        }

    def _echo(self, index: int) -> str:
        """The prompt, where it is wanted, once for each choice."""
        if not self._learnt["echo"] or index in self._begun:
            return ""
        self._begun.add(index)
        prompt: str = self._learnt["prompts"][index // self._learnt["n"]]
        return prompt

    def _logprobs(self, index: int, tokens: Any) -> Json | None:
        if not tokens:
            return None
        offsets = []
        for token in tokens:
            offsets.append(self._offsets.get(index, 0))
            self._offsets[index] = offsets[-1] + len(token["token"])
        return {
            "tokens": [token["token"] for token in tokens],
            "token_logprobs": [token["logprob"] for token in tokens],
            "top_logprobs": [_alternatives(token) for token in tokens] if self._alternatives else None,
            "text_offset": offsets,
        }


def _alternatives(token: Mapping[str, Any]) -> dict[str, float]:
    """The likeliest tokens at a place, and the one that was taken."""
    likeliest = {other["token"]: other["logprob"] for other in token.get("top_logprobs") or ()}
    return likeliest | {token["token"]: token["logprob"]}
