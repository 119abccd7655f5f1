"""Tokens a minute of a key: reserved before a call, settled after it, so that many at once can't overshoot."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.billing import IN_WORDS
from gateway.contract import Call, RateLimited
from gateway.prompt_size import prompt_size
from gateway.settings.keys import Key

SECONDS = 60
#: One a second, and one for the second that is running: what is forgotten is a whole minute old.
BUCKETS = SECONDS + 1
#: Where neither the caller nor LiteLLM's map says how long an answer may be.
USUAL_ANSWER = 4096
ANSWER_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")


class Reservation:
    """Tokens that are kept free for one request, until it is settled."""

    def __init__(self, window: TokenWindow | None = None, tokens: int = 0) -> None:
        self._window = window
        self._tokens: int | None = tokens

    def settle(self, used: int) -> None:
        """Count what was really used in place of what was reserved; once, whatever comes after."""
        tokens, self._tokens = self._tokens, None
        if self._window is not None and tokens is not None:
            self._window.settle(tokens, used)

    def headers(self) -> dict[str, str]:
        """OpenAI's ``x-ratelimit-*-tokens``, as they are now; none where there is no limit."""
        return {} if self._window is None else self._window.headers()


#: What there is for a key without such a limit; it holds nothing, so that it can be settled again and again.
UNLIMITED = Reservation()


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request may need at most, in tokens."""

    prompt: int
    answer: int

    @classmethod
    def of(cls, call: Call, longest_answer: int | None) -> Demand:
        """Of ``call``, where the models that may be asked answer with ``longest_answer`` at most, None for unknown."""
        prompt = prompt_size(call.params).most
        if call.operation.value not in IN_WORDS:
            return cls(prompt, 0)
        said = [call.params[name] for name in ANSWER_LIMITS if call.params.get(name)]
        each = max(said) if said else longest_answer or USUAL_ANSWER
        return cls(prompt, each * (call.params.get("n") or 1))


class TokenLimits:
    """The windows of all keys that have such a limit; there are as many as an operator made keys."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[str, TokenWindow] = {}

    def reserve(self, key: Key | None, call: Call, longest_answer: Callable[[], int | None]) -> Reservation:
        """Keep free what ``call`` may need; raises RateLimited, saying when it would fit. What a policy answered by
        itself needs nothing."""
        if key is None or key.tokens_per_minute is None or call.answer is not None:
            return UNLIMITED
        window = self._windows.get(key.name)
        if window is None:
            window = self._windows[key.name] = TokenWindow(self._clock)
        window.limit = key.tokens_per_minute
        demand = Demand.of(call, longest_answer())
        return window.reserve(demand.prompt + demand.answer)


class TokenWindow:
    """The last minute of one key. Whatever happens costs the same: at most ``BUCKETS`` are looked at."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.limit = 0
        self._clock = clock
        self._buckets = [0] * BUCKETS
        self._second = math.floor(clock())
        self._used = self._reserved = 0

    def reserve(self, tokens: int) -> Reservation:
        """Keep ``tokens`` free; raises RateLimited where they don't fit. A request that is larger than the limit is
        let in where it is alone: else it never could be."""
        self._slide()
        held = self._used + self._reserved
        if held and held + tokens > self.limit:
            raise self._refusal(tokens)
        self._reserved += tokens
        return Reservation(self, tokens)

    def settle(self, reserved: int, used: int) -> None:
        """``used`` tokens count from now on for a minute; ``reserved`` are given back."""
        self._slide()
        self._reserved -= reserved
        self._used += used
        self._buckets[self._second % BUCKETS] += used

    def headers(self) -> dict[str, str]:
        """OpenAI's headers; the reset is when all of it is free again, as far as calls under way let that be known."""
        self._slide()
        left = max(0, self.limit - self._used - self._reserved)
        return {
            "x-ratelimit-limit-tokens": str(self.limit),
            "x-ratelimit-remaining-tokens": str(left),
            "x-ratelimit-reset-tokens": f"{math.ceil(self._free_in(0))}s",
        }

    def _refusal(self, tokens: int) -> RateLimited:
        # What is under way goes on to be held: when it ends, and with how much less than it reserved, nobody knows.
        # Where it alone is in the way, the caller may as well ask again soon.
        room = self.limit - self._reserved - tokens
        known = room >= 0 or not self._reserved
        seconds = max(1, math.ceil(self._free_in(max(0, room)))) if known else 1
        message = (
            f"This key may use {self.limit} tokens in {SECONDS} seconds, {self._used} are used, {self._reserved} are "
            f"reserved for calls under way, and this request may need {tokens}. Try again in {seconds} s, or ask for "
            "a shorter answer (max_tokens)."
        )
        return RateLimited(message, retry_after=seconds, headers=self.headers())

    def _free_in(self, most: int) -> float:
        """Seconds until at most ``most`` of what is used still counts."""
        used, now = self._used, self._clock()
        for second in range(self._second - SECONDS, self._second + 1):
            if used <= most:
                break
            bucket = self._buckets[second % BUCKETS]
            used -= bucket
            if bucket and used <= most:
                return second + BUCKETS - now
        return 0.0

    def _slide(self) -> None:
        """Forget what is a minute old."""
        now = math.floor(self._clock())
        for second in range(self._second + 1, min(now, self._second + BUCKETS) + 1):
            self._used -= self._buckets[second % BUCKETS]
            self._buckets[second % BUCKETS] = 0
        self._second = max(now, self._second)


def used(call: Call) -> int:
    """What all attempts of a request used together, in tokens."""
    return sum(spent.prompt_tokens + spent.completion_tokens for spent in call.trail.spent)
