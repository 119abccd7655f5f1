from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.contract import GatewayError, InvalidRequest, NotFound, Upload
from gateway.engine import Engine
from gateway.http import batches
from gateway.settings.keys import Key

ASK: dict[str, Any] = {
    "custom_id": "a",
    "method": "POST",
    "url": "/v1/embeddings",
    "body": {"model": "m", "input": "x"},
}


def model(name: str) -> str:
    if name == "nowhere":
        raise NotFound("Nobody keeps anything.", code="no_openai_model")
    if name not in ("m", "other"):
        raise InvalidRequest("No such model.", code="model_not_found")
    return f"theirs-{name}"


PLAN = SimpleNamespace(primary="m", local=None, chains={"m": ("m",), "other": ("other",), "default": ("m",)})
ENGINE = cast(Engine, SimpleNamespace(kept=SimpleNamespace(model=model), plan=PLAN))


async def translated(content: bytes, models: tuple[str, ...] | None = None) -> bytes:
    key = None if models is None else cast(Key, SimpleNamespace(models=models))
    file = await batches.translated(ENGINE, key, Upload("a.jsonl", content, "application/jsonl"))
    assert (file.filename, file.content_type) == ("a.jsonl", "application/jsonl")
    return file.content


async def refused(content: bytes, models: tuple[str, ...] | None = None) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await translated(content, models)
    return caught.value


def line(**changes: Any) -> bytes:
    return json.dumps(ASK | changes).encode()


async def test_nothing_but_the_model_is_changed() -> None:
    sent = await translated(b"\r\n".join([line(), b"", line(custom_id="b", body={"model": "other", "x": [1.5, None]})]))
    first, second = (json.loads(one) for one in sent.splitlines())
    assert first == ASK | {"body": {"model": "theirs-m", "input": "x"}}
    assert second == ASK | {"custom_id": "b", "body": {"model": "theirs-other", "x": [1.5, None]}}


async def test_many_lines_keep_their_order() -> None:
    sent = await translated(b"\n".join(line(custom_id=str(number)) for number in range(200)))
    assert [json.loads(one)["custom_id"] for one in sent.splitlines()] == [str(number) for number in range(200)]


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (b"{", "invalid_json"),
        (b"[]", "invalid_type"),
        (b"[" * 100_000, "invalid_json"),
        (line(url="/v1/images/generations"), "invalid_value"),
        (line(extra=1), "unknown_parameter"),
        (line(body={}), "missing_required_parameter"),
        (line(body={"model": ["m"]}), "invalid_type"),
        (line(body={"model": "gone"}), "model_not_found"),
    ],
    ids=["cut", "list", "nested", "url", "field", "no-model", "type", "unknown"],
)
async def test_a_line_that_is_wrong_is_named(second: bytes, code: str) -> None:
    error = await refused(line() + b"\n" + second)
    assert (error.status, error.code, error.param) == (400, code, "file[2]")
    assert error.message.startswith("Line 2 of the batch: ")


async def test_a_key_s_models() -> None:
    await translated(line(), ("m",))
    error = await refused(line() + b"\n" + line(body={"model": "other"}), ("m",))
    assert (error.status, error.code, error.param) == (403, "model_not_allowed", "file[2]")


async def test_that_nobody_keeps_anything_is_no_line_s_fault() -> None:
    assert (await refused(line(body={"model": "nowhere"}))).message == "Nobody keeps anything."


async def test_a_batch_without_lines_and_one_with_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no lines" in (await refused(b"\n \n")).message
    monkeypatch.setattr(batches, "MOST_LINES", 2)
    assert "at most 2 lines" in (await refused(b"\n".join([line()] * 3))).message
