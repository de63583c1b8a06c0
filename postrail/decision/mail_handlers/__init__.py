"""Decides by the mail handlers of an account: which one takes a message, and what it becomes."""
