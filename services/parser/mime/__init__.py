"""Reads the MIME form of a message: bytes in, a tree of parts and decoded header fields out."""
