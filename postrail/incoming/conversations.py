"""Which conversation a mail belongs to: by the Message-IDs that it carries and names.

The index holds each id seen or only named, in or out, so an original that arrives after its reply
joins the reply's conversation. Two mails of one conversation that are taken in at once are kept
apart by advisory locks, which are taken before anything is looked up.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from postrail.database import Connection, rows
from postrail.records import MailParsed

Name = TypeVar("Name", bytes, str)

# RFC 5322, 3.6.4: References grow with each reply; the first and the last say where a mail belongs.
REFERENCES_KEPT = 8
# Locks are shared by all Message-IDs with the same remainder: a batch then never holds more.
LOCK_BUCKETS = 256
LOCK_SPACE = 0x6D61696C
# Makes queues of fingerprints.
EQUALS = uuid.UUID("b2c1c0d4-5a35-5a0e-8a3b-0f6b7e1d2c9a")
ISSUE_KEY = re.compile(r"\b[A-Z][A-Z0-9_]{1,19}-[1-9][0-9]{0,9}\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """The ids that a mail carries and names, strongest first, and the issue keys in its subject."""

    mail_id: str
    hashes: tuple[bytes, ...]
    keys: tuple[str, ...]
    # SHA-256 of its content.
    fingerprint: str = ""


def message_hash(message_id: str) -> bytes:
    """The index's name for a Message-ID: the first 16 bytes of its SHA-256."""
    return hashlib.sha256(message_id.strip().encode("utf-8", "replace")).digest()[:16]


def keys_in(subject: str) -> tuple[str, ...]:
    """What looks like an issue key in a subject, each once."""
    return tuple(dict.fromkeys(ISSUE_KEY.findall(subject[:1000])))


def named_by(mail: MailParsed) -> Named:
    """The ids of a mail: its own, what it answers, and its first and last references."""
    references = mail.references
    if len(references) > 2 * REFERENCES_KEPT:
        references = [*references[:REFERENCES_KEPT], *references[-REFERENCES_KEPT:]]
    own = [mail.message_id] if mail.message_id else []
    ids = dict.fromkeys([*own, *mail.in_reply_to[:REFERENCES_KEPT], *reversed(references)])
    return Named(
        mail_id=mail.mail_id,
        hashes=tuple(message_hash(message_id) for message_id in ids),
        keys=keys_in(mail.subject),
        fingerprint=mail.fingerprint,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a mail stands: its conversation, and the queue in which it keeps its order.

    The two differ for a mail that has nothing but an issue's key to show: it waits its turn behind
    the issue's mails, but its ids do not become ids of the issue before the key is accepted. Mails
    without any id wait behind those with the same content, so that a machine's thousand equal
    alarms do not stand before everybody's mail.
    """

    conversation: str
    queue: str


async def place(connection: Connection, mails: Sequence[Named]) -> dict[str, Place]:
    """The place of each mail, by mail_id, in order of arrival; new conversations are opened.

    The locks are held until the caller's transaction ends.
    """
    hashes = sorted({digest for mail in mails for digest in mail.hashes})
    await lock_messages(connection, hashes)
    known: dict[bytes, str] = dict(
        await rows(
            connection,
            "SELECT message_hash, conversation::text FROM message_index"
            " WHERE message_hash = ANY(%b)",
            [hashes],
        )
    )
    by_key = await _conversations_of(connection, {key for mail in mails for key in mail.keys})
    added: dict[bytes, str] = {}
    placed = {}
    for mail in mails:
        conversation = _first(mail.hashes, known) or mail.mail_id
        queue = _first(mail.keys, by_key) or (conversation if mail.hashes else _equals(mail))
        placed[mail.mail_id] = Place(conversation=conversation, queue=queue)
        new = {digest: conversation for digest in mail.hashes if digest not in known}
        known.update(new)
        added.update(new)
    await index(connection, added)
    return placed


async def lock_messages(connection: Connection, hashes: Iterable[bytes]) -> None:
    """Waits until no other transaction holds one of these ids; sorted: nobody waits in a ring."""
    numbers = sorted({int.from_bytes(digest) % LOCK_BUCKETS for digest in hashes})
    await connection.execute(
        "SELECT pg_advisory_xact_lock(%s, number) FROM unnest(%s::int[]) AS number",
        [LOCK_SPACE, numbers],
    )


async def index(connection: Connection, conversations: dict[bytes, str]) -> None:
    """Adds ids to the index; one that is there stays where it is."""
    await connection.execute(
        "INSERT INTO message_index (message_hash, conversation)"
        " SELECT * FROM unnest(%b::bytea[], %s::uuid[]) ON CONFLICT DO NOTHING",
        [list(conversations), list(conversations.values())],
    )


async def map_issues(connection: Connection, pairs: Sequence[tuple[str, str, str]]) -> None:
    """Says which issue a conversation has in a project: (conversation, project, issue key).

    A conversation never gets a second issue in a project: that breaks the table's primary key, and
    the transaction with it.
    """
    await connection.execute(
        "INSERT INTO conversation_issue (conversation, project_key, issue_key)"
        " SELECT * FROM unnest(%s::uuid[], %b::text[], %b::text[])",
        [
            [conversation for conversation, _, _ in pairs],
            [project for _, project, _ in pairs],
            [issue_key for _, _, issue_key in pairs],
        ],
    )


async def _conversations_of(connection: Connection, keys: Iterable[str]) -> dict[str, str]:
    """The conversation that each issue began with: others may have joined it, this one stays."""
    found = await rows(
        connection,
        "SELECT issue_key, conversation::text FROM issue WHERE issue_key = ANY(%s)",
        [sorted(keys)],
    )
    return dict(found)


def _equals(mail: Named) -> str:
    """The queue of all mails with this content."""
    return str(uuid.uuid5(EQUALS, mail.fingerprint))


def _first(names: Iterable[Name], known: Mapping[Name, str]) -> str | None:
    return next((known[name] for name in names if name in known), None)
