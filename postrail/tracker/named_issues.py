"""Finds the issues whose keys stand in the subjects of messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from postrail.database import Connection, rows
from postrail.tracker.issues import IndexedIssue


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyInSubject:
    """A possible issue key in the subject of a message, and the addresses of the sender."""

    mail_id: str
    issue_key: str
    senders: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedInSubject:
    """An existing issue whose key stands in a subject."""

    mail_id: str
    # The key as the subject has it, which may be a former one.
    issue_key: str
    issue: IndexedIssue
    sender_participates: bool


async def named_issues(
    connection: Connection, named: Sequence[KeyInSubject], found: Mapping[str, IndexedIssue]
) -> list[NamedInSubject]:
    """Returns the named issues that were found by their keys, in the order of the names."""
    existing = [(one, found[one.issue_key]) for one in named if one.issue_key in found]
    taking_part = await _participants(
        connection,
        [(issue.issue_id, address) for one, issue in existing for address in one.senders],
    )
    return [
        NamedInSubject(
            mail_id=one.mail_id,
            issue_key=one.issue_key,
            issue=issue,
            sender_participates=any(
                (issue.issue_id, address) in taking_part for address in one.senders
            ),
        )
        for one, issue in existing
    ]


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
