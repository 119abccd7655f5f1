"""Anthropic's Messages API, as a chat in other words: any model of this gateway answers it."""
