"""Keeps our own records of the issues of any tracker: ids, keys, people, arrival addresses.

`effects` alone adds issues here, in the transaction that makes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from psycopg import Rollback

from postrail.database import Connection, rows, stored_as_they_are
from postrail.tracker.taking_part import add_participants
from postrail.tracker.watchers import add_watchers


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
    # The projects that it was moved from, or that issues merged into it were of.
    former_projects: tuple[str, ...] = ()


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
    watchers: tuple[Watcher, ...]
    participants: tuple[str, ...]
    # The participant who sent the message, if it is automatic.
    robot: str = ""
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


_INDEXED: LiteralString = (
    "present.issue_id, present.issue_key, present.project_key, present.conversation::text,"
    " (SELECT count(*) FROM watcher WHERE watcher.issue_id = present.issue_id),"
    " ARRAY(SELECT DISTINCT former.project_key FROM issue_alias AS former"
    "  WHERE former.issue_id = present.issue_id AND former.project_key <> present.project_key"
    "  ORDER BY 1)"
)


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


async def add_alias(
    connection: Connection, tracker: str, former_key: str, former_project: str, issue_id: int
) -> None:
    """Lets the former key of a moved or merged issue lead to the issue that it is now."""
    await connection.execute(
        "INSERT INTO issue_alias (tracker, alias_key, project_key, issue_id)"
        " VALUES (%s, %s, %s, %s) ON CONFLICT (alias_key, tracker)"
        " DO UPDATE SET issue_id = excluded.issue_id, project_key = excluded.project_key",
        [tracker, former_key, former_project, issue_id],
    )


async def by_id(connection: Connection, issue_ids: Collection[int]) -> dict[int, IndexedIssue]:
    """Returns the existing issues by these ids; of a merged one, the issue that it is now."""
    if not issue_ids:
        return {}
    found = await rows(
        connection,
        "SELECT given.issue_id, " + _INDEXED + " FROM issue_index AS given"  # noqa: S608
        " JOIN issue_index AS present"
        "  ON present.issue_id = coalesce(given.merged_into, given.issue_id)"
        " WHERE given.issue_id = ANY(%s)",
        [sorted(set(issue_ids))],
    )
    return {row[0]: _indexed(*row[1:]) for row in found}


async def by_key(connection: Connection, keys: Iterable[str]) -> dict[str, IndexedIssue]:
    """Returns the existing issues with these keys, present or former, by the key as given.

    A present key comes before a former one; of two trackers with one key, the older issue. The key
    of a merged issue leads to the issue that it is now.
    """
    wanted = stored_as_they_are(keys)
    if not wanted:
        return {}
    found = await rows(
        connection,
        "SELECT DISTINCT ON (key) key, " + _INDEXED + " FROM ("  # noqa: S608
        " SELECT issue_key AS key, coalesce(merged_into, issue_id) AS issue_id, 0 AS former"
        "  FROM issue_index WHERE issue_key = ANY(%(keys)s)"
        " UNION ALL"
        " SELECT alias_key, issue_id, 1 FROM issue_alias WHERE alias_key = ANY(%(keys)s)"
        ") AS named JOIN issue_index AS present USING (issue_id) ORDER BY key, former, issue_id",
        {"keys": wanted},
    )
    return {row[0]: _indexed(*row[1:]) for row in found}


async def with_merged(connection: Connection, issue_ids: Collection[int]) -> dict[int, int]:
    """Returns the ids of these issues and of those merged into them, each with what it is now."""
    found = await rows(
        connection,
        "SELECT issue_id, coalesce(merged_into, issue_id) FROM issue_index"
        " WHERE issue_id = ANY(%(ids)s) OR merged_into = ANY(%(ids)s)",
        {"ids": sorted(issue_ids)},
    )
    return {row[0]: row[1] for row in found}


async def conversations_of(connection: Connection, issue_ids: Collection[int]) -> dict[int, str]:
    """Returns the conversations that the issues with these ids began with, merged ones included."""
    if not issue_ids:
        return {}
    found = await rows(
        connection,
        "SELECT issue_id, conversation::text FROM issue_index WHERE issue_id = ANY(%s)",
        [sorted(issue_ids)],
    )
    return dict(found)


async def record_involvements(connection: Connection, involved: Sequence[Involvement]) -> None:
    """Adds watchers, participants, and the watched addresses at which messages arrived."""
    await add_watchers(
        connection,
        ((one.issue_id, who.address, who.name) for one in involved for who in one.watchers),
    )
    await add_participants(
        connection,
        (
            (one.issue_id, address, address == one.robot)
            for one in involved
            for address in one.participants
        ),
    )
    await note_addresses(
        connection, [(one.issue_id, one.arrived_at) for one in involved if one.arrived_at]
    )


async def note_addresses(connection: Connection, addresses: Sequence[tuple[int, str]]) -> None:
    """Notes on issues (id, address) that their message arrived at a further watched address."""
    ordered = sorted(set(addresses))
    if not ordered:
        return
    await connection.execute(
        "INSERT INTO issue_address (issue_id, address)"
        " SELECT * FROM unnest(%s::bigint[], %b::text[]) ON CONFLICT DO NOTHING",
        [[issue_id for issue_id, _ in ordered], [address for _, address in ordered]],
    )


async def summaries(connection: Connection, issue_ids: Collection[int]) -> dict[int, str]:
    """Returns the summaries by which notifications name the issues, by their ids."""
    if not issue_ids:
        return {}
    found = await rows(
        connection,
        "SELECT issue_id, summary FROM issue_index WHERE issue_id = ANY(%s)",
        [list(issue_ids)],
    )
    return dict(found)


async def set_summary(connection: Connection, issue_id: int, summary: str) -> None:
    """Keeps the summary by which notifications name the issue."""
    await connection.execute(
        "UPDATE issue_index SET summary = %s WHERE issue_id = %s", [summary, issue_id]
    )


async def lock(connection: Connection, issue_ids: Collection[int]) -> dict[int, IndexedIssue]:
    """Locks the existing issues until this transaction ends; returns them by the ids as given.

    A merged one is locked and returned as the issue that it is now. Everything that changes an
    issue, its people or its keys does this first, and once: no move or merge comes in between.
    Locks are taken in the order of the ids, with those of the issues merged into these, against
    deadlocks; and as an update of other columns than the key does, because each row that refers to
    an issue holds its key (FOR KEY SHARE).
    """
    wanted = set(issue_ids)
    while wanted and not await _lock_present(connection, wanted):
        wanted = set((await with_merged(connection, wanted)).values())
    return await by_id(connection, issue_ids)


async def lock_by_key(connection: Connection, keys: Collection[str]) -> dict[str, IndexedIssue]:
    """Locks the existing issues with these keys as `lock` does; returns them by the key as given.

    A key keeps its issue when that is moved or merged, so it may be looked up before the lock.
    """
    found = await by_key(connection, keys)
    locked = await lock(connection, [issue.issue_id for issue in found.values()])
    return {key: locked[issue.issue_id] for key, issue in found.items()}


async def _lock_present(connection: Connection, issue_ids: Collection[int]) -> bool:
    """Locks the issues and those merged into them.

    Returns False, and holds none, if one is merged, or was while this transaction waited: more
    locks, while these are held, would not be in the order of the ids.
    """
    settled = False
    async with connection.transaction() as attempt:
        locked = await rows(
            connection,
            "SELECT issue_id FROM issue_index"
            " WHERE issue_id = ANY(%(ids)s) OR merged_into = ANY(%(ids)s) ORDER BY issue_id"
            " FOR NO KEY UPDATE",
            {"ids": sorted(issue_ids)},
        )
        present = await with_merged(connection, issue_ids)
        all_locked = {issue_id for (issue_id,) in locked} == present.keys()
        settled = all_locked and set(present.values()) <= set(issue_ids)
        if not settled:
            raise Rollback(attempt)
    return settled


async def lock_audiences(connection: Connection, issue_ids: Collection[int]) -> dict[int, Audience]:
    """Returns the audiences of the existing issues by id, and locks the issues.

    The caller has locked those that existed before its transaction by `lock`, so none is merged.
    """
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
    issue_id: int,
    issue_key: str,
    project: str,
    conversation: str,
    watchers: int,
    former_projects: Sequence[str],
) -> IndexedIssue:
    return IndexedIssue(
        issue_id=issue_id,
        issue_key=issue_key,
        project=project,
        conversation=conversation,
        watchers=watchers,
        former_projects=tuple(former_projects),
    )
