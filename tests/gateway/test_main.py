"""The command line, as an operator runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping

import pytest

from gateway.__main__ import main
from tests.support.configuration import KEYS, MODELS, Configuration
from tests.support.gateway import FOREIGN, ROOT

CHECK = "The configuration can't be used:\n"
SERVE = "The gateway was not started:\n"


def run(
    configuration: Configuration, command: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    named = configuration.environ({"PYTHONPATH": str(ROOT), "GATEWAY_PORT": "0", **(env or {})})
    return subprocess.run(
        [sys.executable, "-m", "gateway", command],
        cwd=configuration.folder,
        env={**inherited, **named},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refused(configuration: Configuration, command: str, env: Mapping[str, str] | None = None) -> str:
    found = run(configuration, command, env)
    assert (found.returncode, found.stdout) == (2, "")
    assert "Traceback" not in found.stderr
    return found.stderr.replace(f"{configuration.folder}/", "")


@pytest.mark.parametrize(("command", "title"), [("check", CHECK), ("serve", SERVE)])
def test_a_wrong_setting_is_told_plainly(configuration: Configuration, command: str, title: str) -> None:
    configuration.write("gateway.yaml", "limits: {per_minut: 3}\nserver: {port: x}\n")
    told = refused(configuration, command)
    assert told == (
        f"{title}gateway.yaml:2: 'server.port': expected a valid integer, got 'x'\n"
        "gateway.yaml:1: unknown key 'limits.per_minut'; did you mean 'per_minute'?\n"
    )


@pytest.mark.parametrize(("command", "title"), [("check", CHECK), ("serve", SERVE)])
def test_what_only_litellm_can_tell_is_told_as_plainly(configuration: Configuration, command: str, title: str) -> None:
    configuration.load(models=MODELS + "router_settings: {num_retrys: 3}\n")
    told = refused(configuration, command, KEYS)
    assert told.endswith(
        f"{title}litellm.yaml:14: unknown key 'router_settings.num_retrys'; did you mean 'num_retries'?\n"
    )


def test_a_bad_variable_is_told_plainly(configuration: Configuration) -> None:
    configuration.load()
    told = refused(configuration, "serve", {"AI_BURST_LIMIT": "many"})
    assert told == (
        f"{SERVE}environment variable AI_BURST_LIMIT: expected a whole number from 1 to 1000000, got 'many'\n"
    )


def test_an_open_address_without_a_key_is_refused(configuration: Configuration) -> None:
    configuration.load()
    told = refused(configuration, "serve", {"GATEWAY_HOST": "0.0.0.0"})
    assert told.startswith(f"{SERVE}environment variable GATEWAY_HOST: '0.0.0.0' is not a loopback address")


def test_a_good_configuration_is_shown_without_its_secrets(configuration: Configuration) -> None:
    configuration.load("server: {port: 9000}\n")
    env = {**KEYS, "GATEWAY_MASTER_KEY": "master-secret", "REDIS_URL": "redis://:redis-secret@x", "GATEWAY_PORT": ""}
    found = run(configuration, "check", env)
    assert (found.returncode, found.stderr) == (0, "")
    assert "settings (value, and where it came from)" in found.stdout
    assert "gateway.yaml:1" in found.stdout
    assert "flash (primary): gemini/gemini-2.5-flash" in found.stdout
    assert not any(secret in found.stdout for secret in (*KEYS.values(), "master-secret", "redis-secret"))


@pytest.mark.parametrize("arguments", [[], ["fly"]])
def test_an_unknown_command_is_answered_with_the_known_ones(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "serve,check" in capsys.readouterr().err.replace(" ", "")


def test_keys_are_made_listed_and_revoked(
    configuration: Configuration, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration.load()
    # Where the gateway would not start: no key yet, and an address that others reach.
    for name, value in configuration.environ({"GATEWAY_HOST": "0.0.0.0"}).items():
        monkeypatch.setenv(name, value)
    options = [
        "--user",
        "ann",
        "--models",
        "mini, default",
        "--tokens",
        "5",
        "--requests",
        "6",
        "--expires",
        "2030-01-31",
    ]
    assert main(["key", "add", "crm", *options]) == 0
    made = capsys.readouterr()
    assert re.fullmatch(r"sk-ivy-[\w-]{43}\n", made.out)
    assert made.out.strip() not in made.err
    assert main(["key", "list"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(
        "crm: user ann; models mini, default; requests a minute 6; tokens a minute 5; expires 2030-01-31; created "
    )
    assert main(["key", "add", "crm"]) == 2
    assert capsys.readouterr().err.startswith("The keys were left as they are:\n")
    assert main(["key", "revoke", "crm"]) == 0
    assert main(["key", "revoke", "crm"]) == 2


@pytest.mark.parametrize("value", ["soon", "2030-02-30"])
def test_an_expiry_is_a_date_or_a_time(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["key", "add", "crm", "--expires", value])
    assert "--expires" in capsys.readouterr().err


def test_make_passes_on_what_it_is_given_and_not_the_shell_s_user(configuration: Configuration) -> None:
    configuration.load()
    env = {**os.environ, **configuration.environ(), "USER": "of-the-shell", "ORG": "of-the-shell"}
    command = ["make", "-n", "key", "NAME=crm", "MODELS=a,b", "TOKENS=5"]
    shown = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "gateway key add 'crm'" in shown
    assert "--models 'a,b'" in shown and "--tokens '5'" in shown
    assert "--user" not in shown and "--org" not in shown
    shown = subprocess.run([*command, "USER=ann"], cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
    assert "--user 'ann'" in shown
