"""Decides who is told of an event about an issue."""
