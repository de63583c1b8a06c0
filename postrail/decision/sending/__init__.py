"""Decides what is sent on or answered by itself, and to whom it must not go. Pure."""
