"""Checks the connection to a server: name, port, TLS, certificate and greeting, each timed.

Takes a mail account that speaks IMAP, POP3 or HTTPS, and from it only host, port, encryption,
timeout_ms, wire_protocol and the fields for TLS; `mailbox.faults` words its errors. The tests of
accounts in `mailbox` call it; it blocks, and one thread runs it from start to end.
"""
