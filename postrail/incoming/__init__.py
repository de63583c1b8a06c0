"""Incoming mail as rows in PostgreSQL: ledger, queue and log in one, with its conversations."""
