"""Counts incoming messages for the limits."""
