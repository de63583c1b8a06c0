"""Stops loops and floods: our own messages that come back, and what goes over a limit. Pure."""
