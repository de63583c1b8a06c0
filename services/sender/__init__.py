"""The sender: queued mails in, SMTP transactions and their results out (asyncio throughout).

It takes records from outgoing.queued into its tables, and sends from the tables.
"""
