from __future__ import annotations

from typing import Any

from gateway.contract import Chunk, Policy
from tests.support.fakes import collect, make_call


async def test_a_policy_that_overrides_nothing_changes_nothing() -> None:
    async def chunks() -> Any:
        yield Chunk({"choices": []})

    call, policy = make_call(), Policy()
    assert await policy.request(call) is call
    assert await collect(policy.response(call, chunks())) == [Chunk({"choices": []})]
    assert policy.report() == ""
    assert policy.flag is None
