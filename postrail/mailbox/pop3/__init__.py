"""POP3 (RFC 1939): the mailbox, its dialogue, its faults and its trial."""
