"""The command groups of `postrail`, one module each."""
