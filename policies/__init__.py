"""The product: one behaviour a file. Policies know no HTTP and no LiteLLM."""

from collections.abc import Mapping

from gateway.contract import Policy
from policies.conversation import Conversation

#: The names that ``policies`` in config/gateway.yaml may list.
REGISTRY: Mapping[str, type[Policy]] = {
    "conversation": Conversation,
}
