"""Tokens that name an issue and prove that we made them: in Message-IDs and in addresses. Pure.

An answer finds its issue by them even when the database lacks the message that it answers, as
after a restore, and when a mail program drops In-Reply-To. They survive a change of case.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

PROOF_CHARACTERS = 16
# 12-0f3a…, and 12i-0f3a… for a message about an internal comment.
TOKEN = (
    rf"(?P<issue_id>[1-9][0-9]{{0,17}})(?P<internal>i?)-(?P<proof>[0-9a-f]{{{PROOF_CHARACTERS}}})"
)
# See `mime.message_id_for`.
IN_MESSAGE_ID = re.compile(rf"<postrail\.[0-9a-f-]{{36}}\.[0-9a-f]{{16}}\.{TOKEN}@", re.I)
IN_ADDRESS = re.compile(rf"[^@]+\+{TOKEN}@", re.I)
# RFC 5321, 4.5.3.1.1: a longer local part may be refused.
LOCAL_PART_CHARACTERS = 64
# More tokens in one message are no sign of an answer.
TOKENS_MAX = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueToken:
    """A token as a message has it; only `is_genuine` says whether we made it."""

    issue_id: int
    # The message that it stands in is about an internal comment.
    internal: bool
    # In lower case.
    proof: str

    def __str__(self) -> str:
        return f"{self.issue_id}{'i' if self.internal else ''}-{self.proof}"


def token_for(key: bytes, issue_id: int, conversation: str, *, internal: bool) -> IssueToken:
    """Returns the token of an issue; `conversation` is the one that the issue began with.

    A restored database may give the issue's id to another issue, whose conversation is another.
    """
    purpose = "internal" if internal else "issue"
    text = f"{purpose} {issue_id} {conversation}"
    digest = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return IssueToken(issue_id=issue_id, internal=internal, proof=digest[:PROOF_CHARACTERS])


def is_genuine(token: IssueToken, key: bytes, conversation: str) -> bool:
    """Tells whether we made the token, for the issue that began with this conversation."""
    genuine = token_for(key, token.issue_id, conversation, internal=token.internal)
    return hmac.compare_digest(genuine.proof, token.proof)


def plus_address(address: str, token: IssueToken) -> str:
    """Returns the address with the token, or as it is where that would be too long."""
    local, _, domain = address.rpartition("@")
    with_token = f"{local}+{token}"
    return f"{with_token}@{domain}" if len(with_token) <= LOCAL_PART_CHARACTERS else address


def tokens_in(message_ids: Iterable[str], addresses: Iterable[str]) -> list[IssueToken]:
    """Returns the tokens of these Message-IDs, and then those of the addresses, each once.

    People write to an address that their program has kept, about something new: so the message that
    is answered says more.
    """
    found = [*_matches(IN_MESSAGE_ID, message_ids), *_matches(IN_ADDRESS, addresses)]
    return list(dict.fromkeys(found))[:TOKENS_MAX]


def _matches(pattern: re.Pattern[str], texts: Iterable[str]) -> Iterator[IssueToken]:
    for text in texts:
        if found := pattern.match(text):
            yield IssueToken(
                issue_id=int(found["issue_id"]),
                internal=bool(found["internal"]),
                proof=found["proof"].lower(),
            )
