"""instructor: structured output in each of its modes, asked for again where it is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import openai
import pytest
from pydantic import BaseModel, field_validator

from tests.clients.common import BUSY, DOWN, MODELS, Person
from tests.double.client import Double

if TYPE_CHECKING:
    import instructor

HELLO: Any = [{"role": "user", "content": "hello"}]


Connect = Callable[..., "instructor.Instructor"]


@pytest.fixture
def connect(address: str) -> Iterator[Connect]:
    """Makes a client of a mode."""
    import instructor

    with openai.OpenAI(base_url=address, api_key="unused", max_retries=0) as client:
        yield lambda mode="TOOLS": instructor.from_openai(client, mode=instructor.Mode[mode])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("mode", ["TOOLS", "JSON_SCHEMA", "RESPONSES_TOOLS"])
def test_a_person(connect: Connect, model: str, mode: str) -> None:
    found = connect(mode).chat.completions.create(model=model, messages=HELLO, response_model=Person)
    assert isinstance(found, Person)
    assert found.model_dump() == {"name": "text", "age": 0}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("mode", ["JSON", "MD_JSON"])
def test_a_person_that_the_prompt_asks_for(connect: Connect, model: str, mode: str) -> None:
    said = '{"name": "Ada", "age": 36}' if mode == "JSON" else '```json\n{"name": "Ada", "age": 36}\n```'
    messages: Any = [{"role": "user", "content": f"[[say:{said}]]"}]
    found = connect(mode).chat.completions.create(model=model, messages=messages, response_model=Person)
    assert found.model_dump() == {"name": "Ada", "age": 36}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("mode", ["TOOLS", "JSON_SCHEMA"])
def test_a_person_that_grows(connect: Connect, model: str, mode: str) -> None:
    stream = connect(mode).chat.completions.create_partial(model=model, messages=HELLO, response_model=Person)
    seen = list(stream)
    assert len(seen) > 1 or model == "gemini-2.0-flash"  # which sends a tool's call as a whole
    assert seen[-1].model_dump() == {"name": "text", "age": 0}


@pytest.mark.parametrize("model", MODELS)
def test_what_is_wrong_is_asked_for_again_with_the_reason(connect: Connect, provider: Double, model: str) -> None:
    seen: list[int] = []

    class Adult(BaseModel):
        age: int

        @field_validator("age")
        @classmethod
        def grown(cls, age: int) -> int:
            seen.append(age)
            if len(seen) == 1:
                raise ValueError("must be 18 or more")
            return age

    found = connect().chat.completions.create(model=model, messages=HELLO, response_model=Adult, max_retries=2)
    assert (found.age, seen) == (0, [0, 0])
    assert "must be 18 or more" in str(provider.calls()[-1]["body"])


def test_errors(connect: Connect, provider: Double) -> None:
    from instructor.core import InstructorRetryException

    create = connect().chat.completions.create
    for model, faults, error in (
        ("gpt-9", [], openai.NotFoundError),
        ("default", [BUSY], openai.RateLimitError),
        ("default", [DOWN], openai.InternalServerError),
    ):
        provider.script("any", *faults, then="repeat")
        with pytest.raises(InstructorRetryException) as failed:
            create(model=model, messages=HELLO, response_model=Person, max_retries=1)
        reason = failed.value.__cause__
        assert isinstance((reason and reason.__cause__) or reason, error)
