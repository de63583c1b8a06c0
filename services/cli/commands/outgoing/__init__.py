"""`postrail outgoing`: the outgoing queue and log."""
