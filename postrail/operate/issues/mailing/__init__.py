"""Writes to people from an issue: prepares a letter, warns before it is sent, and sends it."""
