"""Writes and reads what a decision leaves behind for later, as JSON."""
