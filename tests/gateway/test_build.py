from __future__ import annotations

import pytest

from gateway.build import steps
from gateway.settings import ConfigError
from tests.support.configuration import Configuration

ACTIONS = "default_action: view, actions: {view: {label: View}}"
MISSING = "'policies.0.options.{}' is missing"


def policy(options: str, name: str = "conversation", more: str = "") -> str:
    return f"policies:\n  - name: {name}\n    options: {{{options}}}\n{more}"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (policy("", "conversatoin"), ["2: unknown policy 'conversatoin'; did you mean 'conversation'?"]),
        (policy("prompt: p.md"), [f"3: {MISSING.format(key)}" for key in ("default_action", "actions")]),
        (policy(f"promt: p.md, prompt: p.md, {ACTIONS}"),
         ["3: unknown key 'policies.0.options.promt'; did you mean 'prompt'?"]),
        (policy(f"prompt: 3, {ACTIONS}"), ["3: 'policies.0.options.prompt': expected text, got 3"]),
        (policy(f"prompt: p.md, max_context_characters: -1, {ACTIONS}"),
         ["3: 'policies.0.options.max_context_characters': expected greater than or equal to 0, got -1"]),
        (policy("prompt: p.md, default_action: view, actions: {view: {lable: View, label: View}}"),
         ["3: unknown key 'policies.0.options.actions.view.lable'; did you mean 'label'?"]),
        (policy("prompt: p.md, default_action: vew, actions: {view: {label: View}}"),
         ["3: 'policies.0.options': 'default_action' is 'vew', which 'actions' does not list"]),
        (policy(f"prompt: nowhere.md, {ACTIONS}"), ["3: 'nowhere.md' can't be read: No such file or directory"]),
        (policy(f"prompt: ../p.md, {ACTIONS}"), ["3: '../p.md' is outside of the configuration folder"]),
        (policy(f"prompt: /etc/hostname, {ACTIONS}"), ["3: '/etc/hostname' is outside of the configuration folder"]),
        (policy(f"prompt: latin.md, {ACTIONS}"), ["3: 'latin.md' can't be read: it is not UTF-8"]),
    ],
)  # fmt: skip
def test_a_policy_that_can_t_be_built_is_refused_with_its_line(
    configuration: Configuration, text: str, messages: list[str]
) -> None:
    configuration.write("p.md", "prompt")
    configuration.write("latin.md", b"\xe9")
    with pytest.raises(ConfigError) as caught:
        steps(configuration.load(text))
    assert configuration.shown(caught.value) == [f"gateway.yaml:{message}" for message in messages]


def test_policies_keep_their_order_and_say_whether_they_may_be_skipped(configuration: Configuration) -> None:
    configuration.write("p.md", "prompt")
    second = f"  - name: conversation\n    on_error: skip\n    options: {{prompt: p.md, {ACTIONS}}}\n"
    found = steps(configuration.load(policy(f"prompt: p.md, {ACTIONS}", more=second)))
    assert [(step.name, step.skippable) for step in found] == [("conversation", False), ("conversation", True)]


def test_no_policies_are_none(configuration: Configuration) -> None:
    assert steps(configuration.load("")) == ()
