from __future__ import annotations

import contextlib
import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.contract import Spent, Trail, Unavailable
from gateway.engine import Engine
from gateway.http.access import CallerLeft
from gateway.http.account import Account, billed
from gateway.settings.keys import Key
from gateway.tokens import TokenLimits
from gateway.usage import Ledger, Row
from tests.support.fakes import deployment, make_call

CRM = Key(name="crm", hash=f"sha256:{'0' * 64}", tokens_per_minute=10_000)


def engine() -> Engine:
    deployments = (deployment("a", longest_answer=1000), deployment("b", longest_answer=3000), deployment("c"))
    plan = SimpleNamespace(chain=lambda model, operation: ("a", "b"), deployments=deployments)
    return cast(Engine, SimpleNamespace(plan=plan, tokens=TokenLimits(), usage=Ledger()))


def rows(made: Engine) -> list[Row]:
    return list(made.usage.rows(datetime.date(2000, 1, 1), datetime.date(2100, 1, 1)))


def remaining(account: Account) -> int:
    return int(account.headers()["x-ratelimit-remaining-tokens"])


@pytest.mark.parametrize(("only", "longest"), [(None, 3000), (frozenset({"a"}), 1000), (frozenset({"a", "c"}), 1000)])
def test_the_longest_answer_of_those_that_may_be_asked_is_reserved(only: Any, longest: int) -> None:
    call = make_call(only=only)
    with Account(engine(), call, CRM) as account:
        account.reserve(call)
        assert 10_000 - longest - 100 < remaining(account) < 10_000 - longest


@pytest.mark.parametrize(
    ("error", "failed"),
    [(None, 0), (Unavailable("down"), 1), (RuntimeError(), 1), (CallerLeft(), 0), (KeyboardInterrupt(), 0)],
    ids=repr,
)
def test_however_it_ends_it_is_settled_and_written_down(error: BaseException | None, failed: int) -> None:
    made, call = engine(), make_call()
    with contextlib.suppress(*([type(error)] if error else [])), Account(made, call, CRM) as account:
        account.reserve(call)
        call.trail.spent.append(Spent("a", 100, 0, 50))
        if error:
            raise error
    assert remaining(account) == 10_000 - 150
    (row,) = rows(made)
    assert (row.key, row.model, row.requests, row.failed) == ("crm", "a", 1, failed)


def test_a_request_is_of_who_answered() -> None:
    made, call = engine(), make_call()
    with Account(made, call, None):
        call.trail.model = "b"
    (row,) = rows(made)
    assert (row.key, row.model) == (None, "b")


def test_the_attempts_are_summed_for_the_log() -> None:
    trail = Trail(spent=[Spent("a", 10, 0, 5, 0.1), Spent("b", 20, 0, 7, 0.2), Spent("c", 1, 0, 1)])
    assert billed(trail) == {"prompt_tokens": 31, "completion_tokens": 13, "cost_usd": 0.3}
    assert billed(Trail(spent=[Spent("a", 10)]))["cost_usd"] is None
    assert billed(Trail()) == {}
