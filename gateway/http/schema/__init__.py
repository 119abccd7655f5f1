"""What callers may send, field by field.

Source: OpenAI's API reference and the wire contract. These tables are the allowlist too: whatever is not in them
never reaches LiteLLM, which would act on much of it.
"""

from gateway.http.schema.chat import CHAT
from gateway.http.schema.check import check
from gateway.http.schema.embedding import EMBEDDING
from gateway.http.schema.question import QUESTION
from gateway.http.schema.rag import KNOWLEDGE

__all__ = ["CHAT", "EMBEDDING", "KNOWLEDGE", "QUESTION", "check"]
