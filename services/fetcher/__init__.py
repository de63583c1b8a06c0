"""Reads new messages from the mailboxes and publishes each to mail.fetched.

A stage in asyncio; the blocking calls to mail servers run in a bounded pool of threads, and a
mailbox that waits with IDLE uses none.
"""
