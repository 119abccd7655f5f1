"""How many tokens a request would have, without asking a provider: an estimate, though exact for OpenAI's texts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from gateway.contract import Identity
from gateway.engine import Engine
from gateway.http import foreign
from gateway.http.body import read_json
from gateway.http.reply import send_json

Json = dict[str, Any]
#: What OpenAI's format takes around each message, and for the beginning of the answer.
MESSAGE_TOKENS, ANSWER_TOKENS = 3, 3
#: Images and files are counted at a flat rate: what they really take depends on the model and on their size.
MEDIA_TOKENS = 1000


class TokenCount:
    """ASGI endpoint. ``parse`` makes a chat's parameters of the body, ``shape`` the reply of the number."""

    def __init__(
        self,
        engine: Callable[[], Engine],
        parse: Callable[[Engine, Scope, Json], Json],
        shape: Callable[[int], Json],
    ) -> None:
        self._engine = engine
        self._parse = parse
        self._shape = shape

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        engine = self._engine()
        identity: Identity = scope["identity"]
        body = await read_json(scope, receive, engine.settings.gateway.server)
        params = self._parse(engine, scope, body)
        window = engine.admission.admit(identity, scope.get("key")).headers()
        texts, extra = written(params)
        counted = await asyncio.to_thread(engine.plan.count_tokens, texts)  # a long text takes long
        await send_json(send, self._shape(counted + extra), headers=window)


def written(params: Json) -> tuple[list[str], int]:
    """The texts of a chat's parameters, and the tokens of what is no text."""
    texts: list[str] = []
    extra = ANSWER_TOKENS
    for message in params["messages"]:
        extra += MESSAGE_TOKENS
        content = message.get("content") or ""
        parts = ([foreign.text(content)] if content else []) if isinstance(content, str) else content
        texts += [part["text"] for part in parts if part["type"] == "text"]
        extra += MEDIA_TOKENS * sum(part["type"] != "text" for part in parts)
        for call in message.get("tool_calls") or ():
            texts += [call["function"]["name"], call["function"]["arguments"]]
    texts += [orjson.dumps(tool["function"]).decode() for tool in params.get("tools") or ()]
    return texts, extra
