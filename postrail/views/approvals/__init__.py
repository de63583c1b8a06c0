"""Reads approval requests for commands, pages and the systems that ask for them."""
