"""The product: one behaviour a file. Policies know no HTTP and no LiteLLM."""

from collections.abc import Mapping

from gateway.contract import Policy
from policies.actions import OfferActions
from policies.knowledge import KnowledgeAnswers
from policies.memory import OrganicMemory
from policies.modal import ModalHeuristics
from policies.offline import Offline
from policies.private_topics import PrivateTopics
from policies.prompt import Prompt
from policies.prompt_guard import PromptGuard
from policies.redaction import Redaction
from policies.style import Style

#: The names that ``policies`` in config/gateway.yaml may list.
REGISTRY: Mapping[str, type[Policy]] = {
    "actions": OfferActions,
    "knowledge": KnowledgeAnswers,
    "memory": OrganicMemory,
    "modal": ModalHeuristics,
    "offline": Offline,
    "private_topics": PrivateTopics,
    "prompt": Prompt,
    "prompt_guard": PromptGuard,
    "redaction": Redaction,
    "style": Style,
}
