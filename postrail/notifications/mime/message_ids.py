"""Makes Message-IDs that nobody can guess, and recognises those of ours."""

from __future__ import annotations

import hashlib
import hmac
import re

from postrail.approvals.token import ApprovalToken
from postrail.notifications.addresses import ascii_domain
from postrail.notifications.issue_token import IssueToken
from postrail.notifications.mime.fields import LINE_MAX_BYTES

# Has our Message-ID once more: a mailing list may give what it sends on another Message-ID.
OWN_HEADER = "X-Postrail-Message"
# The form of our Message-IDs (see `message_id_for`).
OWN_ID = re.compile(
    r"<postrail\.(?P<id>[0-9a-f-]{36})\.(?P<proof>[0-9a-f]{16})(?:\.[\w-]{1,60})?@[^<>@\s]{1,255}>"
)
_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


def message_id_for(
    key: bytes, outgoing_id: str, domain: str, token: IssueToken | ApprovalToken | None = None
) -> str:
    """Returns the Message-ID of an outgoing message: always the same, and impossible to guess.

    A stranger who guessed it could send a reply that joins the conversation. It ends with the token
    of what the message is about, if it has one.
    """
    named = f".{token}" if token else ""
    domain = ascii_domain(_SPACES.sub("", domain))
    return f"<postrail.{outgoing_id}.{_proof(key, outgoing_id)}{named}@{domain}>"


def root_id(conversation: str, address: str) -> str:
    """Returns the Message-ID that all messages about an issue answer which no message began.

    Mail programs then show them as one conversation. `address` is the one that its answers go to.
    """
    domain = address.rpartition("@")[2]
    return f"<issue.{conversation}@{ascii_domain(domain)}>" if domain else ""


def is_form_of_ours(message_id: str) -> bool:
    """Tells whether a Message-ID has the form that ours have; only the key tells whether it is."""
    return bool(OWN_ID.fullmatch(message_id))


def is_ours(key: bytes, message_id: str) -> bool:
    """Tells whether we made the Message-ID with this key: nobody else can make one."""
    # Programs drop the brackets, and add spaces.
    found = OWN_ID.fullmatch(f"<{message_id.strip(' <>')}>".lower())
    return found is not None and hmac.compare_digest(found["proof"], _proof(key, found["id"]))


def _proof(key: bytes, outgoing_id: str) -> str:
    return hmac.new(key, outgoing_id.encode(), hashlib.sha256).hexdigest()[:16]


def written_id(message_id: str) -> str:
    """Returns a Message-ID without spaces, or "" if a header field cannot hold it."""
    cleaned = _SPACES.sub("", message_id)
    return cleaned if cleaned.isascii() and len(cleaned) < LINE_MAX_BYTES - 20 else ""
