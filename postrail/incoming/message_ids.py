"""The Message-IDs that a message carries and names, and the issue keys in its subject. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from postrail.records import MailParsed

# RFC 5322, 3.6.4: References grow with each reply; the first and the last identify a conversation.
REFERENCES_KEPT = 8
EVENTS_KEPT = 8
# The issues that a subject names are locked: a stranger must not lock a hundred by one message.
MOST_NAMED = 10
ISSUE_KEY = re.compile(r"\b[A-Z][A-Z0-9_]{1,19}-[1-9][0-9]{0,9}\b")

# 12, #12 and [12], as a word of its own: 12.50, 2026-01-12, 10:12 and UTF-8 are not.
BARE_NUMBER = re.compile(r"(?<![^\s\[(])\[?#?([1-9][0-9]{0,9})(?=\]?[.,;:!?)]*(?:\s|$))")


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """The ids that a message carries and names, strongest first, and the keys in its subject."""

    mail_id: str
    hashes: tuple[bytes, ...]
    keys: tuple[str, ...]
    # SHA-256 of its content.
    fingerprint: str = ""
    # Of its own id, the first of `hashes`; None without an id.
    own: bytes | None = None
    # The addresses of From, To and Cc, in lower case.
    sender: str = ""
    addressed: frozenset[str] = frozenset()
    # Whether its sender is proven; None where the server of its mailbox proves nobody.
    proven: bool | None = None
    # The conversation of the issue that a token of ours proves, or "".
    token_queue: str = ""


def message_hash(message_id: str) -> bytes:
    """Returns the index's form of a Message-ID: the first 16 bytes of its SHA-256."""
    return hashlib.sha256(message_id.strip().encode("utf-8", "replace")).digest()[:16]


def keys_in(subject: str) -> tuple[str, ...]:
    """Returns the first things in a subject that look like issue keys, each once."""
    return tuple(dict.fromkeys(ISSUE_KEY.findall(subject[:1000])))[:MOST_NAMED]


def numbers_in(subject: str) -> tuple[str, ...]:
    """Returns the first bare numbers in a subject, each once, which may name items of a project."""
    return tuple(dict.fromkeys(BARE_NUMBER.findall(subject[:1000])))[:MOST_NAMED]


def named_by(mail: MailParsed) -> Named:
    """Returns a message's own id, those that it answers, its references, and its events' UIDs."""
    own = [mail.message_id] if mail.message_id else []
    named = [*own, *answered_ids(mail), *event_ids(mail)]
    return Named(
        mail_id=mail.mail_id,
        hashes=tuple(map(message_hash, dict.fromkeys(named))),
        keys=keys_in(mail.subject),
        fingerprint=mail.fingerprint,
        own=message_hash(mail.message_id) if mail.message_id else None,
        sender=mail.sender.address.lower() if mail.sender else "",
        addressed=frozenset(one.address.lower() for one in [*mail.to, *mail.cc]),
    )


def event_ids(mail: MailParsed) -> list[str]:
    """Returns an id for each event of a message's calendar, by its UID (RFC 5545, 3.8.4.7).

    An invitation, its changes and its answers have one UID, and often no references. No Message-ID
    has this form, so nobody can take such an id by a message's own.
    """
    uids = dict.fromkeys(event.uid for event in mail.events if event.uid)
    return [f"calendar {uid}" for uid in list(uids)[:EVENTS_KEPT]]


def answered_ids(mail: MailParsed) -> list[str]:
    """Returns the ids that a message answers, the nearest first; they may repeat."""
    references = mail.references
    if len(references) > 2 * REFERENCES_KEPT:
        references = [*references[:REFERENCES_KEPT], *references[-REFERENCES_KEPT:]]
    return [*mail.in_reply_to[:REFERENCES_KEPT], *reversed(references)]


def all_answered_ids(mail: MailParsed) -> list[str]:
    """Returns `answered_ids` with those that it leaves out; the parser bounds their number."""
    return [*mail.in_reply_to, *reversed(mail.references)]
