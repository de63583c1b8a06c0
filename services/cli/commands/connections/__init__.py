"""`postrail connections`: the mail servers that send our messages."""
