"""Makes the records that say what became of messages."""
