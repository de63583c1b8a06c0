"""How far each mailbox was read, kept in PostgreSQL so that it survives the fetcher's process.

Owns the tables: sync_state, mailbox_ledger, mailbox_contact, graph_delta, reconciliation.
"""
