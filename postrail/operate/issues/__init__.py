"""Acts on issues by people: one function for each, with a typed result and typed errors.

Commands call them, and later the console and its API: an act checks the rights, changes the issue,
writes its history, notifies people and publishes `issue.changed`, all in one transaction.
"""
