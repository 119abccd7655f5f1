from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

import policies
from gateway import redact
from gateway.assembly import assemble
from gateway.contract import Call, Chunk, Policy, Services
from gateway.pipeline import Pipeline
from gateway.settings import ConfigError
from gateway.settings.load import PROJECT
from tests.support.asgi import Lines
from tests.support.configuration import Configuration
from tests.support.fakes import FakeUpstream, make_call, piece
from tests.support.policies import FakeMemory

STYLE = "introduction: As follows.\nper_week: 1\nshots: [{user: a, assistant: b}]\n"


def made(
    configuration: Configuration, text: str, upstream: FakeUpstream | None = None, env: dict[str, str] | None = None
) -> Pipeline:
    settings = configuration.load(text, env=env)
    return assemble(settings, upstream or FakeUpstream(piece("said")), FakeMemory(), Lines())


def policy(options: str, name: str = "prompt", more: str = "") -> str:
    return f"policies:\n  - name: {name}\n    options: {{{options}}}\n{more}"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (policy("", "promt"), ["gateway.yaml:2: unknown policy 'promt'; did you mean 'prompt'?"]),
        (policy(""), ["gateway.yaml:3: 'policies.0.options.system' is missing"]),
        (policy("sistem: [p.md], system: [p.md]"),
         ["gateway.yaml:3: unknown key 'policies.0.options.sistem'; did you mean 'system'?"]),
        (policy("system: [3]"), ["gateway.yaml:3: 'policies.0.options.system.0': expected text, got 3"]),
        (policy("system: [p.md], max_context_characters: -1"),
         ["gateway.yaml:3: 'policies.0.options.max_context_characters': expected greater than or equal to 0, got -1"]),
        (policy("system: [nowhere.md]"), ["gateway.yaml:3: 'nowhere.md' can't be read: No such file or directory"]),
        (policy("system: [../p.md]"), ["gateway.yaml:3: '../p.md' is outside of the configuration folder"]),
        (policy("system: [/etc/hostname]"),
         ["gateway.yaml:3: '/etc/hostname' is outside of the configuration folder"]),
        (policy("system: [latin.md]"), ["gateway.yaml:3: 'latin.md' can't be read: it is not UTF-8"]),
        (policy("system: [p.md], context: c.yaml"), ["c.yaml:1: unknown key 'line'; did you mean 'lines'?",
                                                     "c.yaml:1: 'lines' is missing"]),
        ("privacy:\n  identifiers: {customer: '('}\n", None),
    ],
)  # fmt: skip
def test_what_can_t_be_built_is_refused_with_its_line(
    configuration: Configuration, text: str, messages: list[str] | None
) -> None:
    configuration.write("p.md", "prompt")
    configuration.write("c.yaml", "line: []")
    configuration.write("latin.md", b"\xe9")
    with pytest.raises(ConfigError) as caught:
        made(configuration, text)
    found = configuration.shown(caught.value)
    if messages is None:
        assert found[0].startswith("gateway.yaml:2: ") and "customer" in found[0]
    else:
        assert sorted(found) == sorted(messages)


def test_policies_keep_their_order_and_say_whether_they_may_be_skipped(configuration: Configuration) -> None:
    configuration.write("style.yaml", STYLE)
    second = "  - name: redaction\n    on_error: skip\n"
    found = made(configuration, policy("", "style", more=second)).steps
    assert [(step.name, step.skippable) for step in found] == [("style", False), ("redaction", True)]


def test_a_policy_that_is_listed_twice_is_refused(configuration: Configuration) -> None:
    with pytest.raises(ConfigError, match="gateway.yaml:3: the policy 'style' stands here a second time"):
        made(configuration, "policies:\n  - name: style\n  - name: style\n")


def test_a_policy_of_a_flag_that_there_is_not_is_refused(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Flagged(Policy):
        flag = "modals"

    monkeypatch.setattr(policies, "REGISTRY", {"flagged": Flagged})
    with pytest.raises(ConfigError, match="'flagged' has the flag 'modals', which 'flags' does not know"):
        made(configuration, "policies: [{name: flagged}]")


def test_no_policies_are_none(configuration: Configuration) -> None:
    assert made(configuration, "").steps == ()


SHIPPED = [entry["name"] for entry in yaml.safe_load((PROJECT / "config" / "gateway.yaml").read_text())["policies"]]


@pytest.mark.parametrize("late", ["private_topics", "prompt", "memory", "modal", "knowledge", "prompt_guard", "style"])
def test_a_policy_that_stands_before_what_it_goes_on_with_is_refused(configuration: Configuration, late: str) -> None:
    names = [name for name in SHIPPED if name != late] + [late]
    with pytest.raises(ConfigError) as caught:
        made(configuration, "policies:\n" + "".join(f"  - name: {name}\n" for name in names))
    found = configuration.shown(caught.value)
    assert found
    for problem in found:
        assert re.fullmatch(rf"gateway\.yaml:\d+: the policy '\w+' must stand after '{late}', since .*", problem)


def test_every_name_that_a_policy_must_stand_after_is_a_policy_s() -> None:
    for kind in policies.REGISTRY.values():
        assert set(kind.after) <= set(policies.REGISTRY)


@pytest.mark.parametrize(
    ("text", "env", "there"),
    [
        ("", {}, True),
        ("flags: {organic_enabled: false}\n", {}, False),
        ("", {"IVY_ORGANIC_ENABLED": "off"}, False),
        ("flags: {organic_enabled: false}\n", {"IVY_ORGANIC_ENABLED": "on"}, True),
        ("flags: {modal_heuristics: false}\n", {}, True),
    ],
)
def test_a_flag_leaves_its_policies_out(
    configuration: Configuration, text: str, env: dict[str, str], there: bool
) -> None:
    configuration.write("style.yaml", STYLE)
    assert [step.name for step in made(configuration, text + policy("", "style"), env=env).steps] == ["style"] * there


def test_a_mistake_in_a_policy_that_is_switched_off_shows_too(configuration: Configuration) -> None:
    configuration.write("style.yaml", "per_week: 1")
    with pytest.raises(ConfigError, match="shots"):
        made(configuration, "flags: {organic_enabled: false}\n" + policy("", "style"))


class Asking(Policy):
    """Asks the model a question of its own for each reply."""

    def __init__(self, options: Any, services: Services) -> None:
        self.model = services.model

    async def request(self, call: Call) -> Call:
        await self.model.ask(make_call(params={"messages": [{"role": "user", "content": "of its own"}]}))
        return call


class Marking(Policy):
    """Marks all that is sent."""

    async def request(self, call: Call) -> Call:
        messages = [{**message, "content": f"marked {message['content']}"} for message in call.params["messages"]]
        return Call(**{name: getattr(call, name) for name in call.__slots__} | {"params": {"messages": messages}})


async def test_a_policy_s_own_question_passes_the_policies_behind_it(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "REGISTRY", {"asking": Asking, "marking": Marking, "again": Marking})
    upstream = FakeUpstream(Chunk.saying("said"))
    pipeline = made(configuration, "policies: [{name: marking}, {name: asking}, {name: again}]", upstream)
    await pipeline.ask(make_call())
    sent = [call.params["messages"][0]["content"] for call in upstream.calls]
    assert sent == ["marked of its own", "marked marked hello"]


def test_configured_identifiers_stand_in_no_log_from_then_on(configuration: Configuration) -> None:
    made(configuration, "privacy: {identifiers: {customer: 'CUST-[0-9]+'}}\n")
    try:
        assert "CUST-123" not in redact.one_line("about CUST-123 and others")
    finally:
        made(configuration, "")
    assert "CUST-123" in redact.one_line("about CUST-123")
