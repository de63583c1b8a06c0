"""Outgoing mail as rows in PostgreSQL: a row per message, a row per recipient."""
