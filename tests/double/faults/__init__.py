"""The faults, by where they strike: the connection, the HTTP reply, the stream, the answer.

Each is a function with the fault's name; its keyword arguments are the fault's fields, with their
defaults. Importing this package registers them all.
"""

from . import answers, canned, streams, transport

__all__ = ["answers", "canned", "streams", "transport"]
