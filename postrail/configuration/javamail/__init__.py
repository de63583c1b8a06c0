"""Reads JavaMail properties (`mail.imap.host=…`) as attributes of a mail account. Pure."""
