"""Keeps our own records of the issues of any tracker: ids, keys, people, arrival addresses.

`effects` alone adds issues here, in the transaction that makes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, rows


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexedIssue:
    """An issue of any tracker, by our own id and by its present key."""

    issue_id: int
    issue_key: str
    project: str
    # The conversation that the issue began with; others may have joined it.
    conversation: str
    # The number of people who are notified of its comments.
    watchers: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class NewIssue:
    """An issue that a tracker has made, before it has an id of ours."""

    tracker: str
    issue_key: str
    project: str
    conversation: str
    summary: str
    # The Message-ID of the message that made the issue, if a message made it.
    first_message_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Watcher:
    """A person who is notified of an issue's comments."""

    address: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Involvement:
    """The people and the address that a message or comment brings to an issue."""

    issue_id: int
    watcher: Watcher | None
    participants: tuple[str, ...]
    # The watched address at which the message arrived.
    arrived_at: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Audience:
    """An issue as its notifications need it: its names, and the people to notify."""

    issue_id: int
    issue_key: str
    project: str
    summary: str
    conversation: str
    first_message_id: str | None
    watchers: tuple[Watcher, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyInSubject:
    """A possible issue key in the subject of a message, and the sender's address."""

    mail_id: str
    issue_key: str
    sender: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedInSubject:
    """An existing issue whose key stands in a subject."""

    mail_id: str
    issue: IndexedIssue
    sender_participates: bool


async def add(connection: Connection, made: Sequence[NewIssue], now: datetime) -> list[int]:
    """Gives the issues their ids, and returns these in the order of the issues."""
    found = await rows(
        connection,
        "INSERT INTO issue_index (tracker, issue_key, project_key, conversation, summary,"
        "  first_message_id, created_at)"
        " SELECT tracker, issue_key, project_key, conversation, summary, first_message_id, %s"
        " FROM unnest(%b::text[], %b::text[], %b::text[], %s::uuid[], %b::text[], %b::text[])"
        "  WITH ORDINALITY AS made(tracker, issue_key, project_key, conversation, summary,"
        "   first_message_id, place) ORDER BY place RETURNING tracker, issue_key, issue_id",
        [
            now,
            [issue.tracker for issue in made],
            [issue.issue_key for issue in made],
            [issue.project for issue in made],
            [issue.conversation for issue in made],
            [issue.summary for issue in made],
            [issue.first_message_id for issue in made],
        ],
    )
    ids = {(tracker, key): issue_id for tracker, key, issue_id in found}
    return [ids[issue.tracker, issue.issue_key] for issue in made]


async def add_alias(connection: Connection, tracker: str, former_key: str, issue_id: int) -> None:
    """Lets the former key of a moved or merged issue lead to the issue that it is now."""
    await connection.execute(
        "INSERT INTO issue_alias (tracker, alias_key, issue_id) VALUES (%s, %s, %s)"
        " ON CONFLICT (alias_key, tracker) DO UPDATE SET issue_id = excluded.issue_id",
        [tracker, former_key, issue_id],
    )


async def by_id(connection: Connection, issue_ids: Collection[int]) -> dict[int, IndexedIssue]:
    """Returns the existing issues with these ids."""
    if not issue_ids:
        return {}
    found = await rows(
        connection,
        "SELECT issue_id, issue_key, project_key, conversation::text,"
        " (SELECT count(*) FROM watcher WHERE watcher.issue_id = issue_index.issue_id)"
        " FROM issue_index WHERE issue_id = ANY(%s)",
        [sorted(set(issue_ids))],
    )
    return {row[0]: _indexed(*row) for row in found}


async def by_key(connection: Connection, keys: Iterable[str]) -> dict[str, IndexedIssue]:
    """Returns the existing issues with these keys, present or former, by the key as given.

    A present key comes before a former one; of two trackers with one key, the older issue.
    """
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    found = await rows(
        connection,
        "SELECT DISTINCT ON (key) key, issue_id, issue_key, project_key, conversation::text,"
        " (SELECT count(*) FROM watcher WHERE watcher.issue_id = issue_index.issue_id) FROM ("
        " SELECT issue_key AS key, issue_id, 0 AS former FROM issue_index"
        "  WHERE issue_key = ANY(%(keys)s)"
        " UNION ALL"
        " SELECT alias_key, issue_id, 1 FROM issue_alias WHERE alias_key = ANY(%(keys)s)"
        ") AS named JOIN issue_index USING (issue_id) ORDER BY key, former, issue_id",
        {"keys": wanted},
    )
    return {row[0]: _indexed(*row[1:]) for row in found}


async def named_issues(
    connection: Connection, named: Sequence[KeyInSubject]
) -> list[NamedInSubject]:
    """Returns those of the named issues that exist, in the order of the names."""
    found = await by_key(connection, {one.issue_key for one in named})
    existing = [(one, found[one.issue_key]) for one in named if one.issue_key in found]
    taking_part = await _participants(
        connection, [(issue.issue_id, one.sender) for one, issue in existing]
    )
    return [
        NamedInSubject(
            mail_id=one.mail_id,
            issue=issue,
            sender_participates=(issue.issue_id, one.sender) in taking_part,
        )
        for one, issue in existing
    ]


async def record_involvements(connection: Connection, involved: Sequence[Involvement]) -> None:
    """Adds watchers, participants, and the watched addresses at which messages arrived."""
    await _insert_watchers(connection, involved)
    await _insert_addresses(
        connection,
        "participant",
        ((one.issue_id, address) for one in involved for address in one.participants),
    )
    await note_addresses(
        connection, [(one.issue_id, one.arrived_at) for one in involved if one.arrived_at]
    )


async def note_addresses(connection: Connection, addresses: Sequence[tuple[int, str]]) -> None:
    """Notes on issues (id, address) that their message arrived at a further watched address."""
    await _insert_addresses(connection, "issue_address", addresses)


async def set_summary(connection: Connection, issue_id: int, summary: str) -> None:
    """Keeps the summary by which notifications name the issue."""
    await connection.execute(
        "UPDATE issue_index SET summary = %s WHERE issue_id = %s", [summary, issue_id]
    )


async def lock(connection: Connection, issue_ids: Collection[int]) -> None:
    """Waits until no other transaction holds these issues; holds them until this one ends.

    In the order of the ids, against deadlocks; and as an update of other columns than the key does,
    because each row that refers to an issue holds its key (FOR KEY SHARE).
    """
    if issue_ids:
        await connection.execute(
            "SELECT 1 FROM issue_index WHERE issue_id = ANY(%s) ORDER BY issue_id"
            " FOR NO KEY UPDATE",
            [sorted(set(issue_ids))],
        )


async def lock_audiences(connection: Connection, issue_ids: Collection[int]) -> dict[int, Audience]:
    """Locks the existing issues as `lock` does; returns their audiences by id."""
    found = await rows(
        connection,
        "SELECT issue_id, issue_key, project_key, summary, conversation::text, first_message_id,"
        " ARRAY(SELECT ARRAY[address, name] FROM watcher"
        "  WHERE watcher.issue_id = issue_index.issue_id ORDER BY address)"
        " FROM issue_index WHERE issue_id = ANY(%s) ORDER BY issue_id FOR NO KEY UPDATE",
        [sorted(set(issue_ids))],
    )
    return {
        issue_id: Audience(
            issue_id=issue_id,
            issue_key=key,
            project=project,
            summary=summary,
            conversation=conversation,
            first_message_id=message_id,
            watchers=tuple(Watcher(address=address, name=name) for address, name in watchers),
        )
        for issue_id, key, project, summary, conversation, message_id, watchers in found
    }


def _indexed(
    issue_id: int, issue_key: str, project: str, conversation: str, watchers: int
) -> IndexedIssue:
    return IndexedIssue(
        issue_id=issue_id,
        issue_key=issue_key,
        project=project,
        conversation=conversation,
        watchers=watchers,
    )


async def _participants(
    connection: Connection, pairs: Sequence[tuple[int, str]]
) -> set[tuple[int, str]]:
    """Returns those of the pairs (issue id, address) of which the address takes part."""
    if not pairs:
        return set()
    found = await rows(
        connection,
        "SELECT issue_id, address FROM participant"
        " JOIN unnest(%s::bigint[], %b::text[]) AS pair(issue_id, address)"
        "  USING (issue_id, address)",
        [[issue_id for issue_id, _ in pairs], [address for _, address in pairs]],
    )
    return {(row[0], row[1]) for row in found}


async def _insert_watchers(connection: Connection, involved: Sequence[Involvement]) -> None:
    names = {
        (one.issue_id, one.watcher.address.lower()): one.watcher.name
        for one in involved
        if one.watcher
    }
    if not names:
        return
    # Sorted, so that two handlers that add to one issue never wait for each other.
    ordered = sorted(names)
    await connection.execute(
        "INSERT INTO watcher (issue_id, address, name)"
        " SELECT * FROM unnest(%s::bigint[], %b::text[], %b::text[]) ON CONFLICT DO NOTHING",
        [
            [issue_id for issue_id, _ in ordered],
            [address for _, address in ordered],
            [names[pair] for pair in ordered],
        ],
    )


async def _insert_addresses(
    connection: Connection, table: str, pairs: Iterable[tuple[int, str]]
) -> None:
    """Adds (issue id, address) pairs to a table of ours that has just these two columns."""
    ordered = sorted(set(pairs))
    if not ordered:
        return
    await connection.execute(
        f"INSERT INTO {table} (issue_id, address)".encode()
        + b" SELECT * FROM unnest(%s::bigint[], %b::text[]) ON CONFLICT DO NOTHING",
        [[issue_id for issue_id, _ in ordered], [address for _, address in ordered]],
    )
