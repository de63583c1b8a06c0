"""Finds what people must know of: messages about issues that reach nobody, or are held."""
