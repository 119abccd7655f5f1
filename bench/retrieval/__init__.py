"""Measures retrieval: how often the right document is found, and how fast."""
