"""Finds messages that are too large for a connection. Pure."""

from __future__ import annotations

import re

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import Answer
from postrail.errors import PermanentError

# RFC 3463, 3.4: 5.3.4 is the limit of the server; 5.2.3 is the recipient's, whatever the way there.
# RFC 1870, 6.1 and 6.4: servers without enhanced codes refuse by 552.
_REFUSED = re.compile(r"5\d\d[ -]5\.3\.4\b|552 (?!\d\.\d)")


class TooLarge(PermanentError):
    """The message is larger than its connection allows."""


def require_size(connection: OutgoingConnection, content: bytes) -> None:
    """Raises TooLarge if the connection takes no message of this size."""
    if connection.max_bytes and len(content) > connection.max_bytes:
        raise TooLarge(
            f"The message has {len(content):,} bytes, more than max_bytes of the outgoing"
            f" connection {connection.name} ({connection.max_bytes:,})."
        )


def is_size_refusal(answer: Answer) -> bool:
    """Tells whether the server takes no message of this size."""
    return answer.state == "failed" and _REFUSED.match(answer.reply) is not None
