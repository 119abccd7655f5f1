"""One request's account: what it reserves of its key's tokens, what it used in the end."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from gateway.contract import Call, Trail
from gateway.engine import Engine
from gateway.http.access import CallerLeft
from gateway.settings.keys import Key
from gateway.tokens import UNLIMITED, Reservation, used
from gateway.usage import Bill


class Account:
    """``with Account(engine, call, key)``: settled and written down when the block is left, however that is. A caller
    who leaves makes no failed request of it; what the providers did by then counts all the same."""

    def __init__(self, engine: Engine, call: Call, key: Key | None) -> None:
        self._engine = engine
        self._call = call
        self._key = key
        self._reservation: Reservation = UNLIMITED

    def __enter__(self) -> Account:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        trail = self._call.trail
        self._reservation.settle(used(self._call))
        failed = isinstance(error, Exception) and not isinstance(error, CallerLeft)
        model = trail.model or self._engine.plan.chain(self._call.model, self._call.operation)[0]
        self._engine.usage.add(Bill(self._key.name if self._key else None, model, failed, trail.spent))

    def reserve(self, call: Call) -> None:
        """Of the key's tokens, for ``call`` as the policies made it; raises RateLimited where they don't suffice.

        What is asked beyond the first answer (another model, a repair of a modal) is counted as it is used.
        """
        self._reservation = self._engine.tokens.reserve(self._key, call, self._longest_answer)

    def headers(self) -> dict[str, str]:
        """What is left of the key's tokens, in OpenAI's headers."""
        return self._reservation.headers()

    def _longest_answer(self) -> int | None:
        """Of the models that may be asked."""
        plan, call = self._engine.plan, self._call
        groups = [group for group in plan.chain(call.model, call.operation) if call.only is None or group in call.only]
        lengths = [d.longest_answer for d in plan.deployments if d.group in groups and d.longest_answer]
        return max(lengths, default=None)


def billed(trail: Trail) -> dict[str, Any]:
    """What the attempts of a request used together, as its line in the log has it; nothing where they used nothing."""
    spent = trail.spent
    if not spent:
        return {}
    costs = [one.cost_usd for one in spent if one.cost_usd is not None]
    return {
        "prompt_tokens": sum(one.prompt_tokens for one in spent),
        "completion_tokens": sum(one.completion_tokens for one in spent),
        "cost_usd": round(sum(costs), 9) if costs else None,
    }
