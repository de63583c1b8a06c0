"""Keeps what people must know of: messages that reach nobody, and posts to the webhook."""
