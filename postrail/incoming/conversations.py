"""Assigns each message to a conversation, by the Message-IDs that it carries and names.

The index holds every id seen or only named, incoming or outgoing, so an original that arrives after
its reply joins the reply's conversation, if it concerns the one who wrote the reply. Advisory
locks, taken before anything is looked up, keep two messages of one conversation apart when they are
taken in at the same time.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from postrail.database import Connection, rows
from postrail.incoming.message_ids import Named, message_hash
from postrail.message_parts import without_extension
from postrail.tracker import issues

Name = TypeVar("Name", bytes, str)

# Message-IDs with the same remainder share a lock, so that a batch never holds more than these.
LOCK_BUCKETS = 256
LOCK_SPACE = 0x6D61696C
# As many issues of one conversation fit into the facts of a message.
MOST_ISSUES = 40
# The namespace of the queues that are made from fingerprints.
EQUALS = uuid.UUID("b2c1c0d4-5a35-5a0e-8a3b-0f6b7e1d2c9a")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A message's conversation, and the queue in which it keeps its order.

    The two differ for a message whose only link to an issue is a key or a token: it waits behind
    the issue's messages, but its ids join the issue's conversation only when it does. Messages
    without any id wait behind those with the same content, so that a thousand equal alarms of a
    machine do not delay the other messages.
    """

    conversation: str
    queue: str
    # The conversation of somebody who had or named this message's id before, without a claim on it.
    claimed_by: str | None = None
    # The id by which it joined the conversation, if that was seen before.
    joined_by: bytes | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index says about an id: its conversation, whence it is, and whether it was seen."""

    conversation: str
    # The sender of the message that first had or named it; None: ours, or of release 0.1.
    sender: str | None
    # False: it was only named.
    seen: bool
    # Of one that was seen: whether the sender was proven (see `Named`).
    proven: bool | None = None


async def place(
    connection: Connection, mails: Sequence[Named], own_addresses: Collection[str] = ()
) -> dict[str, Place]:
    """Returns the place of each message by mail_id, and opens new conversations.

    The messages come in the order of arrival; `own_addresses` are ours, in lower case. The locks
    last until the caller's transaction ends.
    """
    hashes = sorted({digest for mail in mails for digest in mail.hashes})
    await lock_messages(connection, hashes)
    known = await _known(connection, hashes)
    by_key = await _by_key(connection, mails)
    changed: dict[bytes, Entry] = {}
    placed = {}
    for mail in mails:
        found = _place_of(mail, known, by_key, own_addresses)
        placed[mail.mail_id] = found
        new = _entries(mail, found.conversation, known)
        known.update(new)
        changed.update(new)
    await _write(connection, changed)
    return placed


async def look_up(
    connection: Connection, mail: Named, own_addresses: Collection[str] = ()
) -> Place:
    """Returns the place that a message would have; changes and locks nothing."""
    known = await _known(connection, mail.hashes)
    return _place_of(mail, known, await _by_key(connection, [mail]), own_addresses)


async def _by_key(connection: Connection, mails: Sequence[Named]) -> dict[str, str]:
    """Returns the conversations of the issues whose keys the messages name."""
    named = await issues.by_key(connection, {key for mail in mails for key in mail.keys})
    return {key: issue.conversation for key, issue in named.items()}


def _place_of(
    mail: Named,
    known: Mapping[bytes, Entry],
    by_key: Mapping[str, str],
    own_addresses: Collection[str],
) -> Place:
    joined_by = _joined_by(mail, known, own_addresses)
    conversation = known[joined_by].conversation if joined_by else mail.mail_id
    named = mail.token_queue or _first(mail.keys, by_key)
    queue = named or (conversation if mail.hashes else _equals(mail))
    claim = known.get(mail.own) if mail.own else None
    claimed = claim.conversation if claim and claim.conversation != conversation else None
    seen = joined_by if joined_by and known[joined_by].seen else None
    return Place(conversation=conversation, queue=queue, claimed_by=claimed, joined_by=seen)


def _joined_by(
    mail: Named, known: Mapping[bytes, Entry], own_addresses: Collection[str]
) -> bytes | None:
    """Returns the strongest id that places the message in a conversation.

    Anyone can name an id that is yet to come, or take it. So an id that was only named, and the
    message's own, count if the one whom they are from is its sender, or is addressed by it. The own
    id of a proven message does not count if another one took it in the same name, unproven.
    """
    named = ({mail.sender} | mail.addressed) - {""}
    related = {one for one in named if without_extension(one) not in own_addresses}
    related -= set(own_addresses)
    for digest in mail.hashes:
        entry = known.get(digest)
        if (
            entry
            and not _is_taken(mail, digest, entry)
            and (
                entry.sender is None
                or entry.sender in related
                or (entry.seen and digest != mail.own)
            )
        ):
            return digest
    return None


def _is_taken(mail: Named, digest: bytes, entry: Entry) -> bool:
    """Tells whether somebody took, or may have taken, a proven message's own id in its name.

    What others send in their own names takes no id, and is not theirs to take.
    """
    unproven = entry.proven is False and entry.sender == mail.sender
    return digest == mail.own and bool(mail.proven) and unproven


def _entries(mail: Named, conversation: str, known: Mapping[bytes, Entry]) -> dict[bytes, Entry]:
    """Returns what the index says from now on: the message's own id is seen, others are named.

    An id that was seen stays where it is until the message has an effect (see `splits`).
    """
    named = Entry(conversation, mail.sender, seen=False)
    new = {digest: named for digest in mail.hashes if digest not in known}
    if mail.own and not (mail.own in known and known[mail.own].seen):
        new[mail.own] = Entry(conversation, mail.sender, seen=True, proven=mail.proven)
    return new


async def _known(connection: Connection, hashes: Sequence[bytes]) -> dict[bytes, Entry]:
    found = await rows(
        connection,
        "SELECT message_hash, conversation::text, sender, seen, proven FROM message_index"
        " WHERE message_hash = ANY(%b)",
        [list(hashes)],
    )
    return {digest: Entry(*entry) for digest, *entry in found}


async def _write(connection: Connection, entries: Mapping[bytes, Entry]) -> None:
    if not entries:
        return
    await connection.execute(
        "INSERT INTO message_index (message_hash, conversation, sender, seen, proven)"
        " SELECT * FROM unnest(%b::bytea[], %s::uuid[], %b::text[], %s::bool[], %s::bool[])"
        " ON CONFLICT (message_hash) DO UPDATE SET conversation = excluded.conversation,"
        "  sender = excluded.sender, seen = excluded.seen, proven = excluded.proven",
        [
            list(entries),
            [one.conversation for one in entries.values()],
            [one.sender for one in entries.values()],
            [one.seen for one in entries.values()],
            [one.proven for one in entries.values()],
        ],
    )


async def lock_messages(connection: Connection, hashes: Iterable[bytes]) -> None:
    """Waits until no other transaction holds one of these ids; in order, against deadlocks."""
    numbers = sorted({int.from_bytes(digest) % LOCK_BUCKETS for digest in hashes})
    await connection.execute(
        "SELECT pg_advisory_xact_lock(%s, number) FROM unnest(%s::int[]) AS number",
        [LOCK_SPACE, numbers],
    )


async def index(connection: Connection, conversations: dict[bytes, str]) -> None:
    """Adds ids of ours to the index; one that was seen keeps its conversation.

    One that was only named is of an answer that came before a restored database had our message.
    """
    await connection.execute(
        "INSERT INTO message_index (message_hash, conversation)"
        " SELECT * FROM unnest(%b::bytea[], %s::uuid[]) ON CONFLICT (message_hash) DO UPDATE"
        "  SET conversation = excluded.conversation, sender = NULL, seen = true"
        "  WHERE NOT message_index.seen",
        [list(conversations), list(conversations.values())],
    )


async def issues_of(
    connection: Connection, conversations: Collection[str], message_ids: Collection[str]
) -> dict[str, list[int]]:
    """Returns the ids of the issues of each conversation, oldest first.

    Of more than MOST_ISSUES, the newest ones and those with the messages that have these
    Message-IDs: each is locked, and machines make thousands of one conversation.
    """
    found = await rows(
        connection,
        "SELECT given.conversation::text, array_agg(newest.issue_id ORDER BY newest.issue_id)"
        " FROM unnest(%s::uuid[]) AS given (conversation), LATERAL ("
        "  SELECT issue_id FROM conversation_issue AS own"
        "  WHERE own.conversation = given.conversation ORDER BY issue_id DESC LIMIT %s"
        " ) AS newest GROUP BY 1",
        [sorted(set(conversations)), MOST_ISSUES],
    )
    newest: dict[str, list[int]] = dict(found)
    large = [one for one, issue_ids in newest.items() if len(issue_ids) == MOST_ISSUES]
    for conversation, issue_id in await _answered_in(connection, large, message_ids):
        if issue_id not in newest[conversation]:
            newest[conversation].insert(0, issue_id)
    return newest


async def _answered_in(
    connection: Connection, conversations: Sequence[str], message_ids: Collection[str]
) -> list[tuple[str, int]]:
    """Returns the issues of these conversations that have these messages, the newest first."""
    if not conversations or not message_ids:
        return []
    found = await rows(
        connection,
        "SELECT DISTINCT own.conversation::text, own.issue_id FROM conversation_issue AS own"
        " JOIN incoming_mail AS mail USING (issue_id)"
        " WHERE own.conversation = ANY(%s) AND mail.message_id = ANY(%s) ORDER BY 2 DESC LIMIT %s",
        [list(conversations), list(message_ids), MOST_ISSUES],
    )
    return [(conversation, issue_id) for conversation, issue_id in found]


async def issues_by_message(
    connection: Connection, message_ids: Collection[str]
) -> dict[str, list[int]]:
    """Returns the ids of the issues whose conversations have seen these Message-IDs, by these.

    Ids that were only named are left out: the message in question may have named them first.
    """
    by_hash = {message_hash(one): one for one in message_ids}
    if not by_hash:
        return {}
    found = await rows(
        connection,
        "SELECT message_hash, conversation::text FROM message_index"
        " WHERE message_hash = ANY(%b) AND seen",
        [sorted(by_hash)],
    )
    issue_ids = await issues_of(connection, {row[1] for row in found}, message_ids)
    return {by_hash[digest]: issue_ids[one] for digest, one in found if one in issue_ids}


async def answered_comments(
    connection: Connection, issue_ids: Sequence[int], message_ids: Sequence[str]
) -> list[tuple[str, int, int]]:
    """Returns the messages with these Message-IDs that became comments of these issues.

    Each is its Message-ID, the issue's id and the comment's.
    """
    found = await rows(
        connection,
        "SELECT message_id, issue_id, comment_id FROM incoming_mail"
        " WHERE issue_id = ANY(%s) AND message_id = ANY(%s) AND comment_id IS NOT NULL",
        [list(issue_ids), list(message_ids)],
    )
    return [(row[0], row[1], row[2]) for row in found]


async def answered_issues(
    connection: Connection, issue_ids: Sequence[int], message_ids: Sequence[str]
) -> list[tuple[str, int]]:
    """Returns the messages of these issues that have these Message-IDs: (Message-ID, issue id)."""
    found = await rows(
        connection,
        "SELECT message_id, issue_id FROM incoming_mail"
        " WHERE issue_id = ANY(%s) AND message_id = ANY(%s)",
        [list(issue_ids), list(message_ids)],
    )
    return [(row[0], row[1]) for row in found]


async def map_issues(connection: Connection, mapped: Sequence[tuple[str, int]]) -> None:
    """Assigns issues to conversations: (conversation, issue id)."""
    if not mapped:
        return
    await connection.execute(
        "INSERT INTO conversation_issue (conversation, issue_id)"
        " SELECT * FROM unnest(%s::uuid[], %s::bigint[]) ON CONFLICT DO NOTHING",
        [
            [conversation for conversation, _ in mapped],
            [issue_id for _, issue_id in mapped],
        ],
    )


async def hand_over(connection: Connection, merged_id: int, into_id: int) -> None:
    """Gives the conversations of a merged issue to the issue that it is now."""
    await connection.execute(
        "WITH gone AS (DELETE FROM conversation_issue WHERE issue_id = %s RETURNING conversation)"
        " INSERT INTO conversation_issue (conversation, issue_id)"
        " SELECT conversation, %s FROM gone ON CONFLICT DO NOTHING",
        [merged_id, into_id],
    )


def _equals(mail: Named) -> str:
    """Returns the queue of all messages with this content."""
    return str(uuid.uuid5(EQUALS, mail.fingerprint))


def _first(names: Iterable[Name], known: Mapping[Name, str]) -> str | None:
    return next((known[name] for name in names if name in known), None)
