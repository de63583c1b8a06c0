"""Finds refusals of messages that are too large for a connection. Pure."""

from __future__ import annotations

import re

from postrail.courier import Answer

# RFC 3463, 3.4: the limit of the server. RFC 1870, 6.1 and 6.4: servers without enhanced codes
# refuse by 552.
_BY_SERVER = re.compile(r"5\d\d[ -]5\.3\.4\b|552 (?!\d\.\d)")
# RFC 3463, 3.3: the limit of the recipient's mailbox, whatever the way there.
_BY_MAILBOX = re.compile(r"5\d\d[ -]5\.2\.3\b")


def is_size_refusal(answer: Answer) -> bool:
    """Tells whether the server takes no message of this size.

    In the reply to a recipient, 552 is about a mailbox that is full (RFC 5321, 4.2.2).
    """
    refused = answer.state == "failed" and not answer.refused_recipient
    return refused and _BY_SERVER.match(answer.reply) is not None


def is_mailbox_size_refusal(answer: Answer) -> bool:
    """Tells whether the recipient's mailbox takes no message of this size."""
    return answer.state == "failed" and _BY_MAILBOX.match(answer.reply) is not None
