"""Asks queries about issues: their names come from the configuration and the people."""
