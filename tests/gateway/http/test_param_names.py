from __future__ import annotations

import pytest

from gateway.contract import UpstreamRejected
from gateway.http.param_names import in_words_of
from tests.support.fakes import Source, collect, piece

NAMES = {"messages": "input", "max_completion_tokens": "max_output_tokens"}


@pytest.mark.parametrize(
    ("param", "told"),
    [
        ("messages", "input"),
        ("messages[0].content", "input"),
        ("max_completion_tokens", "max_output_tokens"),
        ("messages_", "messages_"),
        ("temperature", "temperature"),
        ("", ""),
        (None, None),
    ],
)
async def test_an_error_names_the_caller_s_own_field(param: str | None, told: str | None) -> None:
    source = Source(piece("a"), UpstreamRejected("too long", status=400, param=param))
    chunks = in_words_of(NAMES, source.chunks())
    assert (await anext(chunks)).text == "a"
    with pytest.raises(UpstreamRejected) as caught:
        await anext(chunks)
    assert caught.value.param == told


async def test_chunks_are_given_on_as_they_are() -> None:
    given = [piece("a"), piece("b", "stop")]
    assert await collect(in_words_of(NAMES, Source(*given).chunks())) == given
