"""Reads the queue of webhooks, to list and to show."""
