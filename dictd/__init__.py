"""dictd: a dictionary server you own, with accounts and a private history."""

__version__ = "0.1.0"
