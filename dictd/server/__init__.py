"""The line server."""
