"""Contexts of outgoing messages: which issues they are for, and how these write to people."""
