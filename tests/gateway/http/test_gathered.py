from __future__ import annotations

import pytest

from gateway.contract import Chunk, Surface, UpstreamRejected
from gateway.http.gathered import Gathered
from gateway.pipeline import Pipeline
from tests.support.asgi import Lines
from tests.support.fakes import FakeUpstream, make_call, piece


async def gathered(*steps: Chunk) -> tuple[Gathered, bool]:
    call = make_call(surface=Surface.IVY)
    async with Pipeline((), FakeUpstream(*steps), Lines()).run(call) as answer:
        return await Gathered.whole(answer), answer.call.trail.degraded


async def test_texts_come_together_and_later_notes_win() -> None:
    reply, degraded = await gathered(piece("a"), Chunk.saying("b", {"x": 1, "y": 1}), Chunk.saying("", {"x": 2}))
    assert (reply.text(), reply.notes, degraded) == ("ab", {"x": 2, "y": 1}, False)


async def test_the_trail_tells_that_no_provider_answered() -> None:
    assert (await gathered(Chunk.saying("a", {"degraded": True})))[1] is True


@pytest.mark.parametrize("text", ["", " \n", "\u200b"])
async def test_a_text_that_says_nothing_is_none(text: str) -> None:
    reply, _ = await gathered(piece(text))
    with pytest.raises(UpstreamRejected) as caught:
        reply.text()
    assert caught.value.code == "content_policy_violation"
