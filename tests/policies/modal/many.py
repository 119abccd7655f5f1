"""Many rules, to see that deciding does not grow with them."""

from __future__ import annotations

from policies.modal.rules import Rule, RulesFile
from tests.support.policies import Overlay

#: Queries of up to 20 words: of the shipped rules, of the made ones, and of none.
ORDINARY = (
    "What is the next best action?",
    "Could you please tell me what I should do next with this customer before the meeting on Tuesday next week?",
    "Don't open the profile, show me the risks",
    "Show me topic17 of the account",
    "what should we do about topic150 and the open budget question of last week",
    "Write an email to Anna about the demo on Thursday and thank her for the nice talk",
    "hello",
)


def shipped() -> RulesFile:
    """``config/rules.yaml``."""
    return Overlay({}).yaml("rules.yaml", RulesFile)


def many_rules(count: int) -> RulesFile:
    """The shipped rules, and made ones of the same kind (synonyms, gaps, words in common) up to ``count`` rules."""
    file = shipped()
    made = [_rule(at) for at in range(count - len(file.rules))]
    return RulesFile.model_validate(
        {**file.model_dump(), "rules": [rule.model_dump() for rule in (*file.rules, *made)]}
    )


def _rule(at: int) -> Rule:
    return Rule(
        modal=f"made_{at}",
        certain=[
            f"{{show}} .. topic{at}",
            f"what {{should}} {{i}} do about topic{at}",
            f"what .. topic{at}",
            f"topic{at} of .. {{lead}}",
            f"next best topic{at}",
        ],
        likely=[f"topic{at}", f"tell about .. topic{at}", f"how {{should}} {{i}} approach topic{at}"],
        unless=[f"topic{at} settings", f"how .. topic{at} .. {{calculated}}"],
    )
