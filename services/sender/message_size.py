"""Finds refusals of messages that are too large for a connection. Pure."""

from __future__ import annotations

import re

from postrail.courier import Answer

# RFC 3463, 3.4: 5.3.4 is the limit of the server; 5.2.3 is the recipient's, whatever the way there.
# RFC 1870, 6.1 and 6.4: servers without enhanced codes refuse by 552.
_REFUSED = re.compile(r"5\d\d[ -]5\.3\.4\b|552 (?!\d\.\d)")


def is_size_refusal(answer: Answer) -> bool:
    """Tells whether the server takes no message of this size."""
    return answer.state == "failed" and _REFUSED.match(answer.reply) is not None
