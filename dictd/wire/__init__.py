"""The DICT language: bytes to commands, replies to bytes. Pure."""
