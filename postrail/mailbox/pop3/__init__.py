"""POP3 (RFC 1939): the mailbox, its protocol, the test of an account, and the log of the dialogue.

The fetcher, the doctor and `mailbox.trial` use it. Blocking: one thread at a time.
"""
