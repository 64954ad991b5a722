"""A prompt inside the running server, over SSH."""
