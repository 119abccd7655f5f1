"""Retrieval: reads documents, keeps them in an index, finds the passages that answer a question."""
