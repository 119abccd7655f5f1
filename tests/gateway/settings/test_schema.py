from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import ConfigError
from gateway.settings.load import PROJECT
from gateway.settings.schema import GatewayConfig
from gateway.settings.source import Document, validate


def config(text: str) -> GatewayConfig:
    return validate(Document(Path("gateway.yaml"), text), GatewayConfig)


def test_an_empty_file_gives_the_wire_contract_s_defaults() -> None:
    found = config("")
    assert (found.server.host, found.server.port) == ("127.0.0.1", 8000)
    assert (found.limits.per_minute, found.limits.burst, found.limits.burst_seconds) == (60, 10, 10)
    assert (found.breaker.errors, found.breaker.window_seconds) == (5, 30)
    assert found.logging.dir == "logs"
    assert found.logging.texts is False


def test_the_shipped_file_shows_the_defaults() -> None:
    shipped = config((PROJECT / "config" / "gateway.yaml").read_text())
    assert shipped.model_dump(exclude={"policies"}) == config("").model_dump(exclude={"policies"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("limts: {}", "unknown key 'limts'; did you mean 'limits'?"),
        ("limits: {per_minut: 3}", "unknown key 'limits.per_minut'; did you mean 'per_minute'?"),
        ("limits: {q: 3}", "unknown key 'limits.q'; valid here: burst, burst_seconds, per_minute"),
        ("timeouts: {attempt_seconds: {v1: 1, ivi: 1, ivy: 1}}", "unknown key 'timeouts.attempt_seconds.ivi'; "
         "did you mean 'ivy'?"),
        ("timeouts: {attempt_seconds: {v1: 3}}", "'timeouts.attempt_seconds.ivy' is missing"),
        ("limits:", "'limits': expected a mapping, got nothing"),
        ("limits: {per_minute: '3'}", "'limits.per_minute': expected a valid integer, got '3'"),
        ("limits: {per_minute: true}", "'limits.per_minute': expected a valid integer, got True"),
        ("limits: {per_minute: 0}", "'limits.per_minute': expected greater than or equal to 1, got 0"),
        ("limits: {burst: 1000001}", "'limits.burst': expected less than or equal to 1000000, got 1000001"),
        ("breaker: {errors: 0}", "'breaker.errors': expected greater than or equal to 1, got 0"),
        ("breaker: {open_seconds: 0}", "'breaker.open_seconds': expected greater than 0, got 0"),
        ("timeouts: {connect_seconds: .inf}", "'timeouts.connect_seconds': expected less than or equal to 3600, "
         "got inf"),
        ("timeouts: {connect_seconds: .nan}", "'timeouts.connect_seconds': expected less than or equal to 3600, "
         "got nan"),
        ("retries: {tries: 11}", "'retries.tries': expected less than or equal to 10, got 11"),
        ("server: {port: 65536}", "'server.port': expected less than or equal to 65535, got 65536"),
        ("server: {max_body_bytes: 3}", "'server.max_body_bytes': expected greater than or equal to 1024, got 3"),
        ("server: {host: 3}", "'server.host': expected text, got 3"),
        ("upstream: {lane: lean}", "'upstream.lane': expected 'auto' or 'litellm', got 'lean'"),
        ("logging: {level: LOUD}", "'logging.level': expected 'DEBUG', 'INFO', 'WARNING' or 'ERROR', got 'LOUD'"),
        ("logging: {texts: 'no'}", "'logging.texts': expected a valid boolean, got 'no'"),
        ("policies: [{on_error: skip}]", "'policies.0.name' is missing"),
        ("policies: [{name: a, on_eror: skip}]", "unknown key 'policies.0.on_eror'; did you mean 'on_error'?"),
        ("policies: [{name: a, on_error: pass}]", "'policies.0.on_error': expected 'refuse' or 'skip', got 'pass'"),
        ("policies: {name: a}", "'policies': expected a list, got a mapping"),
    ],
)  # fmt: skip
def test_a_setting_that_is_wrong_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config("# comment\n" + text)
    assert str(caught.value) == f"gateway.yaml:2: {message}"


def test_settings_can_t_be_changed_after_loading() -> None:
    with pytest.raises(ValueError, match="frozen"):
        config("").limits.burst = 3
