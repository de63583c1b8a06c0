"""Composes the messages that tell people about an issue: audience, text, MIME."""
