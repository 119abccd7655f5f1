"""Answers that come from the knowledge base: of its passages only, with citations, or a gap."""

from policies.knowledge.policy import KnowledgeAnswers

__all__ = ["KnowledgeAnswers"]
