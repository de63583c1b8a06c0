"""Serves the requests to publish messages to mail.fetched again."""
