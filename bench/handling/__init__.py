"""Runs the handler on filled databases, with few and many rules; see bench/handler.py."""
