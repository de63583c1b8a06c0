"""Recognizes and reads bounces: a message in, the recipients that it did not reach out."""
