"""Usage by day, key and model: what was asked, what it used, what it cost."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import orjson
from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass as checked

from gateway.contract import Spent

DAYS = 31
Json = dict[str, Any]
Count = Annotated[int, Field(ge=0)]


@checked(slots=True, config=ConfigDict(extra="forbid", strict=True))
class Row:
    """One day of one key with one model. ``key`` is None for calls without a virtual key.

    ``requests`` are those that this model answered or, where none did, that were for it, ``failed`` those of them that
    ended with an error; the tokens are of all attempts that it was asked, ``estimated`` of them without the provider's
    count. ``cost_usd`` is of what has a known price, None where nothing has.
    """

    date: str
    key: str | None
    model: str
    requests: Count = 0
    failed: Count = 0
    prompt_tokens: Count = 0
    cached_tokens: Count = 0
    completion_tokens: Count = 0
    cost_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    estimated: Count = 0

    SUMS: ClassVar = ("requests", "failed", "prompt_tokens", "cached_tokens", "completion_tokens", "estimated")

    def add(self, spent: Spent) -> None:
        """What one attempt used."""
        self.prompt_tokens += spent.prompt_tokens
        self.cached_tokens += spent.cached_tokens
        self.completion_tokens += spent.completion_tokens
        self.estimated += spent.estimated
        if spent.cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + spent.cost_usd


#: What ``Ledger.dump`` gives.
DUMP = TypeAdapter(dict[Literal["days"], dict[str, list[Row]]])


@dataclass(frozen=True, slots=True)
class Bill:
    """One request: whose, of which model, what its attempts used."""

    key: str | None
    model: str
    failed: bool
    spent: Iterable[Spent]


class Ledger:
    """The last ``DAYS`` days, of UTC. As many rows a day as keys times models were in use: both are an operator's."""

    def __init__(self, today: Callable[[], datetime.date] | None = None) -> None:
        self._today = today or (lambda: datetime.datetime.now(datetime.UTC).date())
        self._days: dict[str, dict[tuple[str | None, str], Row]] = {}
        #: Days as they are written, until they change: all but today's don't any more.
        self._written: dict[str, orjson.Fragment] = {}
        #: Grows with each change.
        self.revision = 0

    def add(self, bill: Bill) -> None:
        """Count a request that has ended."""
        date = self._today().isoformat()
        if date not in self._days:
            self._begin(date)
        self._written.pop(date, None)
        row = self._row(date, bill.key, bill.model)
        row.requests += 1
        row.failed += bill.failed
        for spent in bill.spent:
            self._row(date, bill.key, spent.model).add(spent)
        self.revision += 1

    def rows(self, since: datetime.date, until: datetime.date) -> Iterator[Row]:
        """Those of these days, both included, the oldest first."""
        for date in sorted(self._days):
            if since.isoformat() <= date <= until.isoformat():
                yield from self._days[date].values()

    def dump(self) -> bytes:
        """All of it, to be loaded again."""
        for date in self._days.keys() - self._written.keys():
            self._written[date] = orjson.Fragment(orjson.dumps(list(self._days[date].values())))
        return orjson.dumps({"days": self._written}, option=orjson.OPT_SORT_KEYS)

    def load(self, text: bytes) -> None:
        """What ``dump`` gave, but for days that are too old by now; raises ValueError where it is not that."""
        loaded = DUMP.validate_json(text).get("days")
        if loaded is None:
            raise ValueError("it has no days")
        for date, rows in loaded.items():
            if datetime.date.fromisoformat(date).isoformat() != date or any(row.date != date for row in rows):
                raise ValueError("a day's rows are not its own")
        first = self._first()
        self._days = {date: {(r.key, r.model): r for r in rows} for date, rows in loaded.items() if date >= first}

    def _row(self, date: str, key: str | None, model: str) -> Row:
        rows = self._days[date]
        row = rows.get((key, model))
        if row is None:
            row = rows[key, model] = Row(date, key, model)
        return row

    def _begin(self, date: str) -> None:
        self._days[date] = {}
        first = self._first()
        for old in [day for day in self._days if day < first]:
            del self._days[old]
            self._written.pop(old, None)

    def _first(self) -> str:
        return (self._today() - datetime.timedelta(days=DAYS - 1)).isoformat()


def summed(rows: Iterable[Row]) -> Json:
    """The sums of all columns that can be added."""
    listed = list(rows)
    costs = [row.cost_usd for row in listed if row.cost_usd is not None]
    sums: Json = {name: sum(getattr(row, name) for row in listed) for name in Row.SUMS}
    return sums | {"cost_usd": round(sum(costs), 9) if costs else None}


def of_key(rows: Iterable[Row], key: str) -> Iterator[Row]:
    """Those of one key."""
    return (row for row in rows if row.key == key)


def shown(row: Row) -> Mapping[str, Any]:
    """A row as callers see it."""
    cost = None if row.cost_usd is None else round(row.cost_usd, 9)
    sums = {name: getattr(row, name) for name in Row.SUMS}
    return {"date": row.date, "key": row.key, "model": row.model, **sums, "cost_usd": cost}
