"""Decides which messages answer approval requests, and what becomes of all others. Pure."""
