"""A provider double: OpenAI's and Gemini's wire formats on loopback, misbehaving on demand.

Run it with `python -m tests.double --port 0`; drive it from tests with `tests.double.client.Double`.
The faults it knows are the functions of `tests.double.faults`, each with its fields and defaults.
"""
