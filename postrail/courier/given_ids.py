"""Finds the Message-ID that a relay gives a message in place of its own, in its reply. Pure."""

from __future__ import annotations

import re

# https://docs.aws.amazon.com/ses/latest/dg/header-fields.html: Amazon SES replaces the field, and
# its reply has the id; the domain is that of the region, and email.amazonses.com in us-east-1.
_SES_HOST = re.compile(r"email-smtp(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com")
_SES_REPLY = re.compile(
    r"250 (?:2\.\d\.\d )?Ok ([0-9a-f]{16}-[0-9a-f-]{36}-[0-9]{6})", re.IGNORECASE
)


def id_given_by(host: str, reply: str) -> str:
    """Returns the Message-ID that the message has from now on; "": its own."""
    region, taken = _SES_HOST.fullmatch(host.lower()), _SES_REPLY.fullmatch(reply.strip())
    if region is None or taken is None:
        return ""
    domain = "email" if region[1] == "us-east-1" else region[1]
    return f"<{taken[1]}@{domain}.amazonses.com>"
