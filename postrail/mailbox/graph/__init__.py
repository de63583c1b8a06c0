"""Microsoft Graph: the mailbox, its listing by delta, its faults and its trial."""
