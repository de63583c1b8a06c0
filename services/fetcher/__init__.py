"""Brings mails from mailboxes to mail.fetched, once and for all, and leaves the rest to others.

A stage in asyncio; the blocking IMAP calls run in a bounded pool of threads, and a mailbox that
idles uses none.
"""
