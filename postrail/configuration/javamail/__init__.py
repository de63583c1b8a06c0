"""Reads JavaMail properties (`mail.imap.host=…`) as attributes of ours. Pure."""
