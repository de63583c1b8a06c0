"""Gives the lines of a message the ends that SMTP and MIME have. Pure."""

from __future__ import annotations

import re

_ENDS = re.compile(rb"\r\n|\r|\n")


def with_crlf(content: bytes) -> bytes:
    """Returns the message with CR LF at the end of each line."""
    pairs = content.count(b"\r\n")
    if pairs == content.count(b"\n") == content.count(b"\r") and content[-2:] == b"\r\n":
        return content
    # Servers read bare CR and LF differently, which allows SMTP smuggling.
    normal = _ENDS.sub(b"\r\n", content)
    return normal if normal[-2:] == b"\r\n" else normal + b"\r\n"
