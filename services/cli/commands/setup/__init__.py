"""Commands that set an installation up: its configuration, tables, topics and keys."""
