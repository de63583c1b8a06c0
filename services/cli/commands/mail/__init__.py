"""`postrail mail`: the incoming queue and log."""
