"""Tokens that name an issue and prove for which of its watchers we made them. Pure.

A token has no address: who has it could read that. Its proof fits one of the issue's watchers, or
none. So the sender of the message that brings it back does not matter, as mail programs and robots
may unsubscribe a person from any address.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from postrail.notifications.issue_token import LOCAL_PART_CHARACTERS, PROOF_CHARACTERS

# 12u-0f3a…
TOKEN = rf"(?P<issue_id>[1-9][0-9]{{0,17}})u-(?P<proof>[0-9a-f]{{{PROOF_CHARACTERS}}})"
TOKEN_CHARACTERS = 18 + len("u-") + PROOF_CHARACTERS
SUBJECT = "unsubscribe"
IN_ADDRESS = re.compile(rf"[^@]+\+{TOKEN}@", re.I)
IN_SUBJECT = re.compile(rf"\b{SUBJECT} {TOKEN}(?![0-9a-z])", re.I)
_SUBJECT_ALONE = re.compile(rf"\s*{SUBJECT}\s*", re.I)


@dataclass(frozen=True, kw_only=True, slots=True)
class UnsubscribeToken:
    """A token as a message has it; only `is_for` says whether we made it, and for whom."""

    issue_id: int
    # In lower case.
    proof: str

    def __str__(self) -> str:
        return f"{self.issue_id}u-{self.proof}"


def unsubscribe_token(
    key: bytes, issue_id: int, conversation: str, address: str
) -> UnsubscribeToken:
    """Returns the token for one watcher; `conversation` is the one that the issue began with."""
    text = f"unsubscribe {issue_id} {conversation} {address.lower()}"
    digest = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return UnsubscribeToken(issue_id=issue_id, proof=digest[:PROOF_CHARACTERS])


def is_for(token: UnsubscribeToken, key: bytes, conversation: str, address: str) -> bool:
    """Tells whether we made the token for the watcher with this address."""
    genuine = unsubscribe_token(key, token.issue_id, conversation, address)
    return hmac.compare_digest(genuine.proof, token.proof)


def takes_token(address: str) -> bool:
    """Tells whether the local part has room for a token of any issue."""
    local = address.rpartition("@")[0]
    return bool(local) and len(local) + 1 + TOKEN_CHARACTERS <= LOCAL_PART_CHARACTERS


def address_with(address: str, token: UnsubscribeToken) -> str:
    """Returns the address with the token, which a message to it proves by itself."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{token}@{domain}"


def mailto(address: str, token: UnsubscribeToken, *, plus_address: bool) -> str:
    """Returns the link that unsubscribes: by its address, or by its subject."""
    to = address_with(address, token) if plus_address else address
    subject = SUBJECT if plus_address else f"{SUBJECT} {token}"
    return f"mailto:{quote(to, safe='@+=!~*')}?subject={quote(subject)}"


def token_in(addresses: Iterable[str], subject: str) -> UnsubscribeToken | None:
    """Returns the first token of these addresses, or that of the subject."""
    found = next(filter(None, map(IN_ADDRESS.match, addresses)), None)
    if match := found or IN_SUBJECT.search(subject):
        return UnsubscribeToken(issue_id=int(match["issue_id"]), proof=match["proof"].lower())
    return None


def asks_by_subject(subject: str) -> bool:
    """Tells whether the subject is that of our links, whatever else the message says."""
    return bool(_SUBJECT_ALONE.fullmatch(subject) or IN_SUBJECT.search(subject))
