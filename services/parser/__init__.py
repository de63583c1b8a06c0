"""Turns the bytes of a fetched message into its structure: mail.fetched in, mail.parsed out.

Pure except for `__main__.py`, for `step.py`, which uses the blob store and the producer, and for
`record/record_maker.py`, which logs.
"""
