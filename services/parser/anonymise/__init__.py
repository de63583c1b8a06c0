"""Replaces the words of a message, so that it may be kept as a test: bytes in, bytes out. Pure."""
