"""`postrail accounts`: the watched mailboxes and their settings."""
