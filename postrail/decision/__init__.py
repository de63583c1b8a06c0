"""Decides what a message means. Pure: the message, the configuration and the facts go in."""
