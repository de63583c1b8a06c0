"""Keeps approval requests, the people they ask, and the ledger of all that happened to them.

Owns the tables: approval_request, approval_assignment, approval_event, approval_chain,
approval_delegation.

The modules `request`, `rule`, `token` and `answer` are pure: deciding and replay use them.
"""
