"""Incoming and outgoing mail as rows: queue, log, ledger, due work and claims in one.

Only this room, the tracker, the accounts and the outbox speak SQL. Each statement takes arrays, so
that a batch of mails costs about what one does.
"""
