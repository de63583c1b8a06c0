"""Detects the language of a text by its letters and its most frequent words. Pure."""
