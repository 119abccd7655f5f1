"""Measures what a request costs; every figure is a ratio within one run, or stands beside one."""
