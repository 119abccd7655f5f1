"""No client may reach out of this machine: not for telemetry, not for traces, not for a list of models.

In a process of its own, around a command line: ``python -m tests.clients.loopback MODULE [ARGUMENT ...]``.
"""

from __future__ import annotations

import atexit
import os
import runpy
import sys
from typing import Any

HERE = ("127.0.0.1", "::1", "localhost", "0.0.0.0", "", None)
#: How a guarded command line ends that asked for another host.
STRAYED = 97


class Guard:
    """Refuses connections and look-ups of other hosts while it is on, and keeps their names."""

    def __init__(self) -> None:
        self.on = False
        self.strayed: list[str] = []
        sys.addaudithook(self._seen)  # for good: an audit hook can't be removed

    def _seen(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on or event not in ("socket.connect", "socket.getaddrinfo"):
            return
        address = arguments[1] if event == "socket.connect" else arguments
        host = address[0] if isinstance(address, tuple) else None  # a path: a socket in the file system
        if (host.decode() if isinstance(host, bytes) else host) not in HERE:
            self.strayed.append(str(host))
            raise PermissionError(f"a client asked for {host}")


GUARD = Guard()


def main() -> None:
    """Runs the module as a program, guarded."""
    GUARD.on = True
    atexit.register(lambda: os._exit(STRAYED) if GUARD.strayed else None)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
