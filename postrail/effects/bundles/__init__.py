"""Lets people wait for events that follow each other, and tells them of all in one message."""
