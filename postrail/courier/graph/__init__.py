"""Sends messages through Microsoft Graph: as drafts, whose fate can be read back.

A draft is made from the MIME message; larger attachments are uploaded to it. Sending it is the dot
of SMTP, except that afterwards the draft tells whether it was sent, and the sent copy which
Message-ID it has.
"""
