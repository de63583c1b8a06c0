"""Turns the bytes of a fetched mail into its structure: mail.fetched in, mail.parsed out.

Pure but for `__main__.py` and the blob store and producer that `step.py` is given.
"""
