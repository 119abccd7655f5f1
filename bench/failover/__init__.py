"""Measures what a caller sees, and what a provider sees, when the provider misbehaves.

The sixteen faults S01 to S16, their checks and the verdicts follow the published method of Failover Bench 0.1; the
faults E01 and on are this project's own. `python -m bench.failover --help` says how to run it.
"""
