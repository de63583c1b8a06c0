"""Reads what a message contains: its parts in, its text, HTML, attachments and events out."""
