"""Conditions on messages, as operators write them: YAML values in, answers about a message out.

Pure. Handlers, filters and later contexts ask them.
"""
