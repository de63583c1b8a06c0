"""IMAP4rev1 (RFC 3501): the mailbox, its dialogue, its faults and its trial."""
