"""Reads a batch of messages from a mailbox, publishes it, and finishes it there."""
