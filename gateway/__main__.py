"""``python -m gateway serve`` and ``python -m gateway check``."""

from __future__ import annotations

import argparse
import sys

from gateway.settings import ConfigError, load


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description="Ivy Gateway")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="start the gateway")
    commands.add_parser("check", help="check the configuration and print what is in force")
    command = parser.parse_args(arguments).command
    try:
        settings = load()
        if command == "check":
            from gateway.report import report  # imports litellm, which takes seconds

            print(report(settings))
            return 0
    except ConfigError as error:
        title = "The configuration can't be used:" if command == "check" else "The gateway was not started:"
        print(f"{title}\n{error}", file=sys.stderr)
        return 2
    from gateway.server import serve

    try:
        return serve(settings)
    except KeyboardInterrupt:  # before the server had its own way with it
        return 130


if __name__ == "__main__":
    sys.exit(main())
