"""``python -m gateway serve``, ``check``, ``show``, ``key`` and ``ingest``."""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

from gateway.settings import ConfigError, Settings, keys_place, load

TITLES = {
    "serve": "The gateway was not started:",
    "check": "The configuration can't be used:",
    "show": "There is nothing to show:",
    "key": "The keys were left as they are:",
    "ingest": "Nothing was ingested:",
}


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parsed = _parser().parse_args(arguments)
    command = parsed.command
    try:
        if command == "key":
            return _key(parsed)
        settings = load()
        if command != "serve":
            return _once(settings, parsed)
    except ConfigError as error:
        print(f"{TITLES[command]}\n{error}", file=sys.stderr)
        return 2
    from gateway.server import serve

    try:
        return serve(settings)
    except KeyboardInterrupt:  # before the server had its own way with it
        return 130


def _once(settings: Settings, parsed: argparse.Namespace) -> int:
    if parsed.command == "ingest":
        return _ingest(settings, parsed)
    if parsed.command == "show":
        from gateway.report import policy_report

        print(policy_report(settings, parsed.policy))
    else:
        from gateway.report import report  # imports litellm, which takes seconds

        print(report(settings))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gateway", description="Ivy Gateway")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="start the gateway")
    commands.add_parser("check", help="check the configuration and print what is in force")
    ingest = commands.add_parser("ingest", help="bring the knowledge base in line with a folder of documents")
    ingest.add_argument("folder", type=Path)
    ingest.add_argument("--allow-empty", action="store_true", help="let a folder without documents empty it")
    show = commands.add_parser("show", help="show what a policy has to show")
    show.add_argument("policy", help="a name of the list 'policies' in config/gateway.yaml")
    key = commands.add_parser("key", help="make, list and revoke virtual keys").add_subparsers(
        dest="action", required=True
    )
    key.add_parser("list", help="the keys there are, without their hashes")
    key.add_parser("revoke", help="take a key out").add_argument("name")
    add = key.add_parser("add", help="make a key, and print it this once")
    add.add_argument("name")
    add.add_argument("--user", help="whom it is bound to, whatever the header X-User-ID says")
    add.add_argument("--org", help="the same for X-Org-ID")
    add.add_argument("--models", type=lambda text: [name.strip() for name in text.split(",")], metavar="A,B")
    add.add_argument("--requests", type=int, dest="requests_per_minute", help="a minute")
    add.add_argument("--tokens", type=int, dest="tokens_per_minute", help="a minute, of prompts and answers together")
    add.add_argument("--expires", type=_moment, help="a date, or a time, of UTC unless it says otherwise")
    return parser


def _moment(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return datetime.datetime.fromisoformat(text)


def _ingest(settings: Settings, parsed: argparse.Namespace) -> int:
    from gateway.ingesting import ingest_folder
    from gateway.retrieval.command import ENDINGS, told

    try:
        summary = ingest_folder(settings, parsed.folder, allow_empty=parsed.allow_empty)
    except ENDINGS as error:
        print(f"The ingest ended: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the next run goes on from here", file=sys.stderr)
        return 130
    print(told(summary))
    return 1 if summary.problem else 0


def _key(parsed: argparse.Namespace) -> int:
    from gateway.key_file import KeyFile

    path, models = keys_place()
    file = KeyFile(path, models)
    if parsed.action == "list":
        print(file.listing())
    elif parsed.action == "revoke":
        file.revoke(parsed.name)
        print(f"{parsed.name!r} is revoked; a running gateway refuses it within 2 s.")
    else:
        fields = ("user", "org", "models", "requests_per_minute", "tokens_per_minute", "expires")
        print(file.add(parsed.name, **{field: getattr(parsed, field) for field in fields}))
        print(f"This is the key of {parsed.name!r}. It is shown this once: {path} has its hash only.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
