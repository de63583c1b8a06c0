"""Decides what people are told at once and what later, and makes one message of several. Pure."""
