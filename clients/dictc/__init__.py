"""dictc, the terminal client: a program of its own that speaks DICT (RFC 2229) to any server.

It imports neither dictd nor Twisted, and beyond the standard library only
prompt_toolkit, for the prompt alone.
"""

__version__ = "0.1.0"
