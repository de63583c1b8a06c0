"""Incoming messages: ledger of what was fetched, queue of what is due, log of outcomes.

Owns the tables: incoming_mail, refetch, lost_mail, message_index, conversation_issue,
and the sequence arrival_number.
"""
