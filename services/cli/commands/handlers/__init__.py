"""`postrail handlers`: the mail handlers, in the order in which they are asked."""
