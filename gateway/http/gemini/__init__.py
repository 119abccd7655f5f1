"""Gemini's own API, as a chat and as embeddings in other words: any model of this gateway answers it."""
