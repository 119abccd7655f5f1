"""The thin layer that callers meet: who calls, what was sent, what goes back."""
