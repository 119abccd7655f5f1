from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.settings import ConfigError, keys_place, load
from tests.support.configuration import MODELS, Configuration

OPEN = (
    "is not a loopback address, and no key is configured: anyone who reaches it could spend your provider's "
    "money. Set GATEWAY_MASTER_KEY, make a key ('make key NAME=...'), or listen on 127.0.0.1"
)
KEY_RULE = "expected printable ASCII text without spaces"
LAST = MODELS.count("\n") + 1


def general(value: str) -> str:
    return f"{MODELS}general_settings: {{master_key: {value}}}\n"


def test_the_project_s_own_configuration_loads_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load({})
    assert settings.warnings == ()
    assert settings.models.file.names[0] == "gemini-2.0-flash"


@pytest.mark.parametrize(
    ("variable", "text", "section", "key", "value"),
    [
        ("AI_RATE_LIMIT_PER_MIN", "7", "limits", "per_minute", 7),
        ("AI_BURST_LIMIT", "8", "limits", "burst", 8),
        ("GATEWAY_HOST", "::1", "server", "host", "::1"),
        ("GATEWAY_PORT", "0", "server", "port", 0),
        ("GATEWAY_LOG_DIR", "/tmp/x", "logging", "dir", "/tmp/x"),
    ],
)
def test_a_variable_wins_over_the_file(
    configuration: Configuration, variable: str, text: str, section: str, key: str, value: object
) -> None:
    gateway = "limits: {per_minute: 1, burst: 1}\nserver: {host: localhost, port: 1}\nlogging: {dir: x}\n"
    settings = configuration.load(gateway, env={variable: text})
    assert getattr(getattr(settings.gateway, section), key) == value
    assert settings.origin(section, key) == variable


def test_every_value_tells_where_it_came_from(configuration: Configuration) -> None:
    settings = configuration.load("server:\n  port: 1\n", env={"AI_BURST_LIMIT": "3"})
    assert settings.origin("server", "port") == "gateway.yaml:2"
    assert settings.origin("server", "host") == "default"
    assert settings.origin("limits", "burst") == "AI_BURST_LIMIT"


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("gateway.yaml", "can't be read: there is no such file"),
        ("litellm.yaml", "can't be read: there is no such file"),
    ],
)
def test_a_file_that_is_missing_is_named(configuration: Configuration, file: str, message: str) -> None:
    configuration.load()
    (configuration.folder / file).unlink()
    with pytest.raises(ConfigError) as caught:
        load(configuration.environ())
    assert configuration.shown(caught.value) == [f"{file}: {message}"]


@pytest.mark.parametrize("content", [b"a: \xff", b"a: ["])
@pytest.mark.parametrize("name", ["gateway.yaml", "litellm.yaml"])
def test_a_file_that_is_no_yaml_is_named(configuration: Configuration, name: str, content: bytes) -> None:
    configuration.load()
    configuration.write(name, content)
    with pytest.raises(ConfigError) as caught:
        load(configuration.environ())
    expected = {
        b"a: \xff": f"{name}: can't be read: it is not UTF-8",
        b"a: [": f"{name}:1: not valid YAML: expected the node content, but found '<stream end>'",
    }
    assert configuration.shown(caught.value) == [expected[content]]


@pytest.mark.parametrize(
    ("gateway", "env", "where"),
    [
        ("server:\n  host: 0.0.0.0", {}, "gateway.yaml:2: '0.0.0.0'"),
        ("server:\n  host: ''", {}, "gateway.yaml:2: ''"),
        ("", {"GATEWAY_HOST": "0.0.0.0"}, "environment variable GATEWAY_HOST: '0.0.0.0'"),
        ("", {"GATEWAY_HOST": "::"}, "environment variable GATEWAY_HOST: '::'"),
        ("", {"GATEWAY_HOST": "gateway.example"}, "environment variable GATEWAY_HOST: 'gateway.example'"),
    ],
)
def test_an_open_address_needs_a_key(
    configuration: Configuration, gateway: str, env: dict[str, str], where: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.load(gateway, env=env)
    assert configuration.shown(caught.value) == [f"{where} {OPEN}"]
    assert configuration.load(gateway, env={**env, "GATEWAY_MASTER_KEY": "k"}).master_key == "k"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_needs_no_key(configuration: Configuration, host: str) -> None:
    assert configuration.load(env={"GATEWAY_HOST": host}).master_key is None


def test_the_master_key_is_the_environment_s_else_the_file_s(configuration: Configuration) -> None:
    assert configuration.load(models=general("from-file")).master_key == "from-file"
    assert configuration.load(models=general("os.environ/MINE"), env={"MINE": "named"}).master_key == "named"
    both = configuration.load(models=general("from-file"), env={"GATEWAY_MASTER_KEY": "from-env"})
    assert both.master_key == "from-env"


@pytest.mark.parametrize("key", ["a b", "schlüssel", "a\tb"])
def test_a_key_that_no_client_could_send_is_refused_and_not_shown(configuration: Configuration, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.load(env={"GATEWAY_MASTER_KEY": key})
    assert str(caught.value) == f"environment variable GATEWAY_MASTER_KEY: {KEY_RULE}"


@pytest.mark.parametrize("value", ["3", "''", "'a b'", "[k]"])
def test_a_bad_key_of_the_file_is_refused_with_its_line(configuration: Configuration, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.load(models=general(value))
    assert configuration.shown(caught.value) == [f"litellm.yaml:{LAST}: 'general_settings.master_key': {KEY_RULE}"]


def test_a_key_whose_variable_is_not_set_is_not_taken_for_no_key(configuration: Configuration) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.load(models=general("os.environ/NOWHERE"))
    assert configuration.shown(caught.value) == [f"litellm.yaml:{LAST}: environment variable NOWHERE is not set"]


def test_a_redis_address_is_warned_of_and_not_repeated(configuration: Configuration) -> None:
    warnings = configuration.load(env={"REDIS_URL": "redis://:secret@host"}).warnings
    assert warnings == ("REDIS_URL is set, but state is not shared yet: limits and breakers count per process",)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../outside.md", "'../outside.md' is outside of the configuration folder"),
        ("/etc/hostname", "'/etc/hostname' is outside of the configuration folder"),
        ("link.md", "'link.md' is outside of the configuration folder"),
        ("nowhere.md", "'nowhere.md' can't be read: No such file or directory"),
        ("latin.md", "'latin.md' can't be read: it is not UTF-8"),
        (".", "'.' can't be read: Is a directory"),
    ],
)
def test_a_policy_reads_the_configuration_folder_only(tmp_path: Path, name: str, reason: str) -> None:
    configuration = Configuration(tmp_path / "config")
    (tmp_path / "outside.md").write_text("outside")
    configuration.write("latin.md", b"\xe9")
    (configuration.folder / "link.md").symlink_to(tmp_path / "outside.md")
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        configuration.load().files.text(name)


def test_a_policy_s_file_is_read_as_utf8(configuration: Configuration) -> None:
    configuration.write("prompts/a.md", "é")
    assert configuration.load().files.text("prompts/a.md") == "é"


KEYS_FILE = f"keys:\n  - {{name: crm, hash: 'sha256:{'0' * 64}', models: [mini]}}\n"


def test_virtual_keys_are_read_from_the_folder_or_from_where_a_variable_says(configuration: Configuration) -> None:
    assert configuration.load().keys is None
    configuration.write("keys.yaml", KEYS_FILE)
    configuration.write("elsewhere/mine.yaml", "keys: []\n")
    found = configuration.load().keys
    assert found is not None and [key.name for key in found] == ["crm"]
    other = configuration.load(env={"GATEWAY_KEYS": str(configuration.folder / "elsewhere/mine.yaml")})
    assert (other.keys, other.keys_file.name) == ((), "mine.yaml")


def test_a_wrong_file_of_keys_stops_the_start(configuration: Configuration) -> None:
    configuration.write("keys.yaml", KEYS_FILE.replace("mini", "mni"))
    with pytest.raises(ConfigError) as caught:
        configuration.load()
    (told,) = configuration.shown(caught.value)
    assert told.startswith("keys.yaml:2: 'crm' names the model 'mni', which 'model_list' does not have")


def test_with_a_virtual_key_others_may_be_listened_to_and_with_an_empty_file_not(configuration: Configuration) -> None:
    env = {"GATEWAY_HOST": "0.0.0.0"}
    configuration.write("keys.yaml", KEYS_FILE)
    assert configuration.load(env=env).master_key is None
    configuration.write("keys.yaml", "keys: []\n")
    with pytest.raises(ConfigError):
        configuration.load(env=env)


def test_where_keys_are_kept_is_known_before_there_is_one(configuration: Configuration) -> None:
    configuration.load()
    path, models = keys_place(configuration.environ({"GATEWAY_HOST": "0.0.0.0"}))
    assert path == configuration.folder / "keys.yaml"
    assert models == ("flash", "mini", "vectors")
