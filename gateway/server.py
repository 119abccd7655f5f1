"""Serves the application with uvicorn, and says plainly what was started or why nothing was."""

from __future__ import annotations

import faulthandler
import sys
from contextlib import suppress
from types import FrameType

import uvicorn

from gateway import logs
from gateway.app import Gateway, create
from gateway.protocol import protocol
from gateway.settings import Settings

REFUSED = 2
KEEP_ALIVE_SECONDS = 75  # longer than the usual proxy in front keeps one, so that the proxy closes first


class Server(uvicorn.Server):
    """uvicorn's server; a signal also flips readiness, and a graceful stop is a success."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway) -> None:
        super().__init__(config)
        self._gateway = gateway

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, a second SIGINT ends at once."""
        self._gateway.draining = True
        super().handle_exit(sig, frame)
        self._captured_signals.clear()  # uvicorn would raise it again after the drain, and exit as if killed

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Start, and greet whoever started it."""
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started and not self.should_exit:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            print(greeting(self._gateway, host, port), flush=True)


def serve(settings: Settings) -> int:
    """Run until a signal; returns the process's exit status."""
    if sys.stderr is not None:
        faulthandler.enable()  # where a library in C crashes, the lines that called it are named, without any data
    try:
        app, gateway = create(settings, says_refusals=True)
    except OSError as error:
        origin = settings.origin("logging", "dir")
        return complain(f"the log can't be written in {str(settings.log_dir)!r} ({origin}): {error.strerror}")
    server_settings = settings.gateway.server
    config = uvicorn.Config(
        app,
        host=server_settings.host,
        port=server_settings.port,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=protocol(server_settings),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # anyone can send X-Forwarded-For
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(server_settings.grace_seconds)),
    )
    server = Server(config, gateway)
    with suppress(SystemExit):  # uvicorn's way to say that it can't listen, or that the application can't start
        server.run()
    if server.started:
        return 0
    where = f"{server_settings.host}:{server_settings.port}"
    why = f"can't listen on {where} (is it in use?)" if gateway.built else "something failed; the log has it"
    return complain(gateway.refusal or why)


def complain(why: str) -> int:
    """Print why there was no start; returns the exit status."""
    print(f"The gateway was not started:\n{why}", file=sys.stderr, flush=True)
    return REFUSED


def greeting(gateway: Gateway, host: str, port: int) -> str:
    """Where it listens, who will answer, what to try, where the log is."""
    plan = gateway.engine().plan
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - all addresses, so this one too
    address = f"http://{f'[{reached}]' if ':' in reached else reached}:{port}"
    key = " -H 'Authorization: Bearer YOUR_KEY'" if gateway.settings.master_key or gateway.settings.keys else ""
    who = f"{plan.primary}" + (f", and {plan.fallback} when it does not" if plan.fallback else "")
    if plan.local:
        who = (
            f"{plan.local}, a small DEMONSTRATION model on this machine, because no provider key is set.\n"
            "             Its answers are often wrong. Set GEMINI_API_KEY or OPENAI_API_KEY for real ones"
        )
    question = '{"query": "What should I do before a first sales call?", "context": {}}'
    return "\n".join(
        (
            f"Ivy Gateway listens on {address}",
            f"  answers:   {who}.",
            f"  try:       curl {address}/ai/router/v2{key} -H 'Content-Type: application/json' -d '{question}'",
            f"  log:       {gateway.settings.log_dir / logs.FILE}",
            "  stop:      Ctrl-C",
        )
    )
