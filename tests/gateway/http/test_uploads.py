from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.contract import Identity, InvalidRequest, NotFound, Operation, Upload
from gateway.engine import Engine
from gateway.http.uploads import ROWS
from tests.support.asgi import scope

ANN = Identity("127.0.0.1", "ann")
FILE = Upload("a.wav", b"x", "audio/wav")
BY_PATH = {row.path: row for row in ROWS}


class Plan:
    """One model, which does all of it."""

    def chain(self, name: str, operation: Operation) -> tuple[str, ...]:
        if name != "m":
            raise NotFound("no such model", code="model_not_found", param="model")
        return (name,)

    def first(self, operation: Operation, among: Any = None) -> str:
        return "m"


ENGINE = cast(Engine, SimpleNamespace(plan=Plan()))


def parse(path: str, **form: Any) -> Any:
    return BY_PATH[path].parse(ENGINE, scope(path=path, request_id="req_1"), form, ANN)


def test_a_transcription_s_text_becomes_what_it_stands_for() -> None:
    call = parse("/v1/audio/transcriptions", model="m", file=FILE, temperature="0.5", include="logprobs", stream="true")
    assert (call.operation, call.model, call.stream) == (Operation.TRANSCRIPTION, "m", True)
    assert call.params == {"file": FILE, "temperature": 0.5, "include": ["logprobs"]}


def test_a_translation() -> None:
    call = parse("/v1/audio/translations", model="m", file=FILE, response_format="srt")
    assert (call.operation, call.stream) == (Operation.TRANSLATION, False)
    assert call.params == {"file": FILE, "response_format": "srt"}


def test_an_edited_image_needs_no_model() -> None:
    call = parse("/v1/images/edits", image=[FILE, FILE], prompt="a", n="2", stream="false")
    assert (call.operation, call.model, call.stream) == (Operation.IMAGE_EDIT, "m", False)
    assert call.params == {"image": [FILE, FILE], "prompt": "a", "n": 2}


@pytest.mark.parametrize("path", BY_PATH)
def test_what_is_wrong_is_refused(path: str) -> None:
    good: dict[str, Any] = {"model": "m", "image" if "images" in path else "file": FILE}
    good |= {"prompt": "a"} if "images" in path else {}
    parse(path, **good)
    with pytest.raises(InvalidRequest, match="Unknown parameter: 'api_base'"):
        parse(path, **good, api_base="http://x")
    with pytest.raises(NotFound):
        parse(path, **good | {"model": "gone"})
