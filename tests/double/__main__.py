"""The double's process: `python -m tests.double --port 0` prints `{"port": N}` once it listens.

It ends with exit code 0 on SIGTERM or SIGINT, and when the thread that started it ends (Linux).
"""

import argparse
import asyncio
import ctypes
import os
import signal
import sys

import uvloop

from .app import App
from .connection import Connection

PR_SET_PDEATHSIG = 1
BACKLOG = 4096


def die_with_parent() -> None:
    """Asks Linux for a SIGTERM when the parent ends; elsewhere does nothing."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the call took effect
        raise SystemExit(0)


async def serve(port: int) -> None:
    """Listens on 127.0.0.1:`port` (0: any free one) until a signal ends it."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = App()
    server = await loop.create_server(lambda: Connection(app.handle), "127.0.0.1", port, backlog=BACKLOG)
    print(f'{{"port": {server.sockets[0].getsockname()[1]}}}', flush=True)
    await stop.wait()
    server.close()
    os._exit(0)  # open replies are not waited for: the double has nothing to save


def main() -> None:
    """Reads the command line and serves."""
    parser = argparse.ArgumentParser(prog="python -m tests.double", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    arguments = parser.parse_args()
    die_with_parent()
    uvloop.run(serve(arguments.port))


if __name__ == "__main__":
    main()
