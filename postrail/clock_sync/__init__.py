"""Keeps the clock of a process at the time of PostgreSQL, or of Kafka where it has no database.

It also reports how wrong the machine's own clock is, which we do not use.
"""
