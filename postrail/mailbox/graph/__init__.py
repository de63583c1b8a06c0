"""Microsoft Graph: the mailbox, its listing by delta, and the test of an account.

The fetcher, the doctor and `mailbox.trial` use it. Blocking: one thread at a time.
"""
