"""Queues outgoing messages in PostgreSQL: a row a message, a row a recipient.

Owns the tables: outgoing_mail, outgoing_attachment, delivery, delivery_report, suppression, notice,
outgoing_pause, outgoing_rate, pending_event, pending_delivery.
"""
