"""Gathers the facts that a decision needs, and applies its effects in one transaction."""
