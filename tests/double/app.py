"""Takes requests apart, logs them, and answers them: in health at once, with a fault as scripted."""

import time
import traceback
from functools import partial
from typing import Any, NamedTuple

import orjson

from . import control, form, gemini_ask, gemini_wire, openai_calls, openai_wire, routes
from .calls import Call, Outcome
from .connection import Connection
from .faults.registry import Planned, plan
from .request import Request
from .script import State
from .stored import NotAnsweredError
from .turn import Turn
from .wire import Problem, Subject, Wire

Json = dict[str, Any]
STREAMS = "streamGenerateContent"
PREFILL = plan({"kind": "prefill_refused"})


class Sent(NamedTuple):
    """A request's body: JSON, or the fields of a form; and what is wrong with it."""

    body: Any
    fields: form.Form | None = None
    detail: str = ""


class App:
    """The double without its sockets. A call that is refused (no key, not JSON) consumes no fault."""

    def __init__(self) -> None:
        self.state = State()
        self._openai = openai_wire.OpenAI()
        self._gemini = gemini_wire.Gemini()

    def handle(self, connection: Connection, request: Request) -> None:
        """Answers a request, or starts the task that does."""
        if request.path.startswith("/_double/"):
            connection.spawn(control.answer(self.state, connection, request))
            return
        route = routes.resolve(request.method, request.path)
        sent = _parsed(request)
        turn = self._turn(connection, request, route, sent)
        problem = self._prepare(turn, route, request, sent)
        if problem is not None:
            turn.send_now(orjson.dumps(problem.body), problem.status, problem.headers)
            turn.end("completed")
            return
        call = turn.call
        fault = PREFILL if self._refuses(turn) else self.state.fault_for(call.provider, call.model, call.path)
        call.fault = fault.kind.name if fault is not None else None
        if fault is not None or turn.streams or self.state.settings.latency:
            connection.spawn(_answer(turn, fault))
        else:
            turn.send_now(turn.body(), kind=turn.kind)
            turn.end("completed")

    def _refuses(self, turn: Turn) -> bool:
        """Whether the call ends with an answer's beginning, and such are refused; no script is asked then."""
        return turn.ask is not None and turn.ask.prefilled and self.state.settings.manner.prefill == "refuse"

    def _turn(self, connection: Connection, request: Request, route: routes.Route, sent: Sent) -> Turn:
        body = sent.body if sent.fields is None else form.view(sent.fields)
        named = body.get("model") if isinstance(body, dict) else None
        call = Call(
            id=0,
            provider=route.provider,
            model=route.model or str(named or ""),
            path=request.path,
            query=request.query,
            headers=request.headers,
            body=body,
            started=time.monotonic(),
            size=len(request.body) if sent.fields is None else len(str(body)),
        )
        self.state.log.begin(call)
        wire: Wire = self._gemini if route.provider == "gemini" else self._openai
        turn = Turn(connection, call, wire, self.state.settings)
        turn.operation, turn.keep_alive = route.operation, request.keep_alive
        turn.log_end = self.state.log.end
        connection.on_leave = partial(self.state.log.end, call, "aborted")
        return turn

    def _prepare(self, turn: Turn, route: routes.Route, request: Request, sent: Sent) -> Problem | None:
        """Gives the turn its reply; returns the error of a call that gets none."""
        if not route.operation:
            return turn.wire.error(404, f"Invalid URL ({request.method} {request.path})")
        turn.key = request.headers.get("authorization", "")
        if route.provider == "gemini":
            turn.key = request.headers.get("x-goog-api-key") or request.query.get("key", "")
        subject = Subject(route.model, route.operation, turn.key, sent.detail)
        if not turn.key:
            return turn.wire.canned("no_key", subject)
        if route.posts and not isinstance(sent.body, dict):
            return turn.wire.canned("bad_json", subject)
        return self._reply(turn, route, request, sent)

    def _reply(self, turn: Turn, route: routes.Route, request: Request, sent: Sent) -> Problem | None:
        try:
            if route.provider == "openai":
                openai_calls.prepare(turn, route, request, sent.body, sent.fields, self.state.stored)
            elif not _gemini(turn, route, request, sent.body):
                return turn.wire.canned("model_not_found", Subject(route.model, route.operation))
        except NotAnsweredError as error:
            return error.problem
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            return turn.wire.canned("bad_request", Subject(detail=str(error)))
        return None


async def _answer(turn: Turn, fault: Planned | None) -> None:
    """Runs the fault, or delivers the healthy reply. An error in the double itself resets the connection."""
    outcome: Outcome = "completed" if fault is None or fault.kind.healthy else "faulted"
    try:
        await (turn.deliver() if fault is None else fault.kind.run(turn, **fault.arguments))
    except Exception:
        traceback.print_exc()
        turn.connection.reset_now()
        outcome = "faulted"
    turn.end(outcome)


def _parsed(request: Request) -> Sent:
    try:
        fields = form.read(request.headers.get("content-type", ""), request.body)
        if fields is not None:
            return Sent({}, fields)
        return Sent(orjson.loads(request.body)) if request.body else Sent(None, detail="the body is empty")
    except ValueError as error:
        return Sent(None, detail=str(error))


def _gemini(turn: Turn, route: routes.Route, request: Request, body: Json) -> bool:
    if route.operation in ("generateContent", STREAMS):
        sse = route.operation == STREAMS and request.query.get("alt") == "sse"
        turn.ask = gemini_ask.read(body, turn.call.id, route.model, stream=sse, array=route.operation == STREAMS)
        turn.call.stream = route.operation == STREAMS
    elif route.operation == "models":
        turn.payload = gemini_wire.models()
    elif route.operation in ("embedContent", "batchEmbedContents"):
        turn.payload = (gemini_wire.embed if route.operation == "embedContent" else gemini_wire.embed_batch)(body)
    else:
        return False
    return True
