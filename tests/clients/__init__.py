"""The clients that people use, each doing with the gateway what people do with it: nothing but the address is changed.

A client is imported when its first test runs: they take seconds to import, and pytest imports every file in every
worker.
"""
