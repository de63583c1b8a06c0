"""IMAP4rev1 (RFC 3501): the mailbox, the test of an account, and the log of the dialogue.

The fetcher, the doctor, the demo and `mailbox.trial` use it. Blocking: one thread at a time.
"""
