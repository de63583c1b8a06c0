"""Turns bytes and HTML into text: charsets, markup, word patterns."""
