from __future__ import annotations

import pytest

from gateway.build import engine, timeouts_for
from gateway.settings import ConfigError
from tests.support.asgi import Lines
from tests.support.configuration import KEYS, Configuration

STYLE = "introduction: As follows.\nper_week: 1\nshots: [{user: a, assistant: b}]\n"
POLICIES = "policies: [{name: style}]\nmemory: {max_bytes: 1000000}\n"


@pytest.mark.usefixtures("litellm_closed")
async def test_an_engine_has_what_was_configured(configuration: Configuration) -> None:
    configuration.write("style.yaml", STYLE)
    async with engine(configuration.load(POLICIES, env=KEYS), Lines()) as made:
        assert [step.name for step in made.pipeline.steps] == ["style"]
        assert made.memory.usage().most == 1_000_000
        assert (made.plan.primary, made.local) == ("flash", None)


async def test_what_can_t_be_built_is_refused_and_leaves_nothing_open(configuration: Configuration) -> None:
    with pytest.raises(ConfigError, match="unknown policy 'stile'; did you mean 'style'"):
        async with engine(configuration.load("policies: [{name: stile}]", env=KEYS), Lines()):
            pass


def test_a_model_on_this_machine_is_owed_more_patience(configuration: Configuration) -> None:
    settings = configuration.load("timeouts: {first_token_seconds: 1}")
    assert timeouts_for(settings, keyless=False) == settings.gateway.timeouts
    patient = timeouts_for(settings, keyless=True)
    assert patient.first_token_seconds > 30
    assert patient.attempt_seconds.ivy > settings.gateway.timeouts.attempt_seconds.ivy
    assert patient.connect_seconds == settings.gateway.timeouts.connect_seconds
