"""`postrail accounts`: the mail accounts whose mailboxes are watched."""
