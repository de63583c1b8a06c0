"""Keeps the watchers, participants and arrival addresses of the issues of any tracker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from postrail.database import Connection, rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Watcher:
    """A person who is notified of an issue's comments."""

    address: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Involvement:
    """The people and the address that a message or comment brings to an issue."""

    issue_key: str
    watcher: Watcher | None
    participants: tuple[str, ...]
    # The watched address at which the message arrived.
    arrived_at: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Audience:
    """An issue as its notifications need it: its names, and the people to notify."""

    issue_key: str
    project: str
    summary: str
    conversation: str
    # The Message-ID of the message that made the issue, if a message made it.
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
    issue_key: str
    project: str
    sender_participates: bool


async def record_involvements(connection: Connection, involved: Sequence[Involvement]) -> None:
    """Adds watchers, participants, and the watched addresses at which messages arrived."""
    await _insert_watchers(connection, involved)
    await _insert_addresses(
        connection,
        "participant",
        ((one.issue_key, address) for one in involved for address in one.participants),
    )
    await note_addresses(
        connection, [(one.issue_key, one.arrived_at) for one in involved if one.arrived_at]
    )


async def note_addresses(connection: Connection, addresses: Sequence[tuple[str, str]]) -> None:
    """Notes on issues (key, address) that their message arrived at a further watched address."""
    await _insert_addresses(connection, "issue_address", addresses)


async def audiences(connection: Connection, issue_keys: Sequence[str]) -> dict[str, Audience]:
    """Returns the audiences of the existing issues, by issue key."""
    keys = sorted(set(issue_keys))
    found = await rows(
        connection,
        "SELECT issue.issue_key, project_key, summary, issue.conversation::text,"
        " incoming_mail.message_id FROM issue LEFT JOIN incoming_mail USING (mail_id)"
        " WHERE issue.issue_key = ANY(%s)",
        [keys],
    )
    watchers = await _watchers(connection, keys)
    return {
        key: Audience(
            issue_key=key,
            project=project,
            summary=summary,
            conversation=conversation,
            first_message_id=message_id,
            watchers=tuple(watchers.get(key, ())),
        )
        for key, project, summary, conversation, message_id in found
    }


async def projects_of(connection: Connection, issue_keys: Iterable[str]) -> dict[str, str]:
    """Returns the projects of the existing issues, by issue key."""
    keys = sorted(set(issue_keys))
    if not keys:
        return {}
    found = await rows(
        connection, "SELECT issue_key, project_key FROM issue WHERE issue_key = ANY(%s)", [keys]
    )
    return {row[0]: row[1] for row in found}


async def named_issues(
    connection: Connection, named: Sequence[KeyInSubject]
) -> list[NamedInSubject]:
    """Returns those of the named issues that exist, in the order of the names."""
    if not named:
        return []
    found = await rows(
        connection,
        "SELECT named.mail_id, issue.issue_key, issue.project_key,"
        "  EXISTS (SELECT 1 FROM participant WHERE participant.issue_key = issue.issue_key"
        "   AND participant.address = named.sender)"
        " FROM unnest(%b::text[], %b::text[], %b::text[]) WITH ORDINALITY"
        "  AS named(mail_id, issue_key, sender, place)"
        " JOIN issue ON issue.issue_key = named.issue_key ORDER BY place",
        [
            [one.mail_id for one in named],
            [one.issue_key for one in named],
            [one.sender for one in named],
        ],
    )
    return [
        NamedInSubject(mail_id=mail_id, issue_key=key, project=project, sender_participates=part)
        for mail_id, key, project, part in found
    ]


async def _watchers(connection: Connection, keys: Sequence[str]) -> dict[str, list[Watcher]]:
    found = await rows(
        connection,
        "SELECT issue_key, address, name FROM watcher WHERE issue_key = ANY(%s) ORDER BY address",
        [keys],
    )
    watchers: dict[str, list[Watcher]] = {}
    for key, address, name in found:
        watchers.setdefault(key, []).append(Watcher(address=address, name=name))
    return watchers


async def _insert_watchers(connection: Connection, involved: Sequence[Involvement]) -> None:
    names = {
        (one.issue_key, one.watcher.address.lower()): one.watcher.name
        for one in involved
        if one.watcher
    }
    if not names:
        return
    # Sorted, so that two handlers that add to one issue never wait for each other.
    ordered = sorted(names)
    await connection.execute(
        "INSERT INTO watcher (issue_key, address, name)"
        " SELECT * FROM unnest(%b::text[], %b::text[], %b::text[]) ON CONFLICT DO NOTHING",
        [
            [key for key, _ in ordered],
            [address for _, address in ordered],
            [names[pair] for pair in ordered],
        ],
    )


async def _insert_addresses(
    connection: Connection, table: str, pairs: Iterable[tuple[str, str]]
) -> None:
    """Adds (issue key, address) pairs to a table of ours that has just these two columns."""
    ordered = sorted(set(pairs))
    if not ordered:
        return
    await connection.execute(
        f"INSERT INTO {table} (issue_key, address)".encode()
        + b" SELECT * FROM unnest(%b::text[], %b::text[]) ON CONFLICT DO NOTHING",
        [[key for key, _ in ordered], [address for _, address in ordered]],
    )
