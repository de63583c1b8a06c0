"""Keeps the events that people are told of later, in one message."""
