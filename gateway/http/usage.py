"""``GET /v1/usage``: what was used, by day, key and model."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse

from gateway.contract import InvalidRequest
from gateway.engine import Engine
from gateway.settings.keys import Key
from gateway.usage import DAYS, of_key, shown, summed

QUERY = ("from", "to")


class UsageRoute:
    """``engine`` gives what is in force when the request comes."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine = engine

    async def __call__(self, request: Request) -> JSONResponse:
        """``{"object": "usage", "from", "to", "data": [a row for each day, key and model], "total"}``. Days are of UTC,
        ``?from=`` and ``?to=`` are included. Who holds a virtual key sees what was used with it, the administrator
        and, where no key is configured, this machine all of it."""
        for name in request.query_params:
            if name not in QUERY:
                raise InvalidRequest(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
        today = datetime.datetime.now(datetime.UTC).date()
        since = _date(request, "from", today - datetime.timedelta(days=DAYS - 1))
        until = _date(request, "to", today)
        if since > until:
            raise InvalidRequest("'from' must not be later than 'to'.", param="from")
        rows = self._engine().usage.rows(since, until)
        key: Key | None = request.scope.get("key")
        mine = list(rows if key is None else of_key(rows, key.name))
        days = {"from": since.isoformat(), "to": until.isoformat()}
        return JSONResponse({"object": "usage", **days, "data": [shown(row) for row in mine], "total": summed(mine)})


def _date(request: Request, name: str, absent: datetime.date) -> datetime.date:
    text = request.query_params.get(name)
    if text is None:
        return absent
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(f"'{name}' must be a date, as in 2026-01-31.", param=name) from None
