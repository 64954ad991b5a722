"""Processes: what runs, and what is wired to what."""
