"""Reads tables, topics and blobs for commands and pages; writes nothing.

The only package that may read the tables of all others.
"""
