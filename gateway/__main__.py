"""``python -m gateway serve``, ``check`` and ``show``."""

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
    show = commands.add_parser("show", help="show what a policy has to show")
    show.add_argument("policy", help="a name of the list 'policies' in config/gateway.yaml")
    parsed = parser.parse_args(arguments)
    command = parsed.command
    try:
        settings = load()
        if command == "show":
            from gateway.report import policy_report

            print(policy_report(settings, parsed.policy))
            return 0
        if command == "check":
            from gateway.report import report  # imports litellm, which takes seconds

            print(report(settings))
            return 0
    except ConfigError as error:
        titles = {"serve": "The gateway was not started:", "show": "There is nothing to show:"}
        title = titles.get(command, "The configuration can't be used:")
        print(f"{title}\n{error}", file=sys.stderr)
        return 2
    from gateway.server import serve

    try:
        return serve(settings)
    except KeyboardInterrupt:  # before the server had its own way with it
        return 130


if __name__ == "__main__":
    sys.exit(main())
