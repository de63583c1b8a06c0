"""Renders the templates of messages in a sandbox, and checks them before they are saved. Pure."""
