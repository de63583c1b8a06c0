"""Lets people leave an issue by mail: addresses that prove for whom we made them (RFC 2369)."""
