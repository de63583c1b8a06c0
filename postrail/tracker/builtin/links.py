"""Rows of links between issues of the built-in tracker, and the words for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postrail.database import Connection, rows

RELATES_TO = "relates to"
# What the linked issue is to the first one, by the kind of the link.
INVERSE_WORDS = {
    RELATES_TO: RELATES_TO,
    "duplicates": "is duplicated by",
    "blocks": "is blocked by",
}


def inverse_of(words: str) -> str:
    """Returns the words for a link as seen from the other issue; the words may be from either."""
    return (INVERSE_WORDS | {inverse: kind for kind, inverse in INVERSE_WORDS.items()})[words]


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link as it is stored: the first issue relates to, duplicates or blocks the other."""

    issue_key: str
    kind: str
    linked_key: str

    @property
    def opposite(self) -> Link:
        """Returns the same kind of link from the other issue to the first one."""
        return Link(issue_key=self.linked_key, kind=self.kind, linked_key=self.issue_key)

    def seen_from(self, key: str) -> str:
        """Returns the words for the link from the side of this issue, and the other issue's key."""
        if key == self.issue_key:
            return f"{self.kind} {self.linked_key}"
        return f"{INVERSE_WORDS[self.kind]} {self.issue_key}"


async def insert_links(connection: Connection, pairs: Sequence[tuple[str, str]]) -> None:
    """Links the first issue of each pair to the second, as "relates to"."""
    if not pairs:
        return
    await connection.execute(
        "INSERT INTO issue_link (issue_key, linked_key, kind)"
        " SELECT *, 'relates to' FROM unnest(%b::text[], %b::text[]) ON CONFLICT DO NOTHING",
        [[key for key, _ in pairs], [linked for _, linked in pairs]],
    )


async def insert_link(connection: Connection, link: Link) -> bool:
    """Adds a link; returns False if it exists."""
    cursor = await connection.execute(
        "INSERT INTO issue_link (issue_key, linked_key, kind) VALUES (%s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [link.issue_key, link.linked_key, link.kind],
    )
    return cursor.rowcount == 1


async def delete_link(connection: Connection, link: Link) -> bool:
    """Removes a link; returns False if there is no such link."""
    cursor = await connection.execute(
        "DELETE FROM issue_link WHERE issue_key = %s AND linked_key = %s AND kind = %s",
        [link.issue_key, link.linked_key, link.kind],
    )
    return cursor.rowcount == 1


async def has_link(connection: Connection, link: Link) -> bool:
    """Returns whether the link exists."""
    cursor = await connection.execute(
        "SELECT 1 FROM issue_link WHERE issue_key = %s AND linked_key = %s AND kind = %s",
        [link.issue_key, link.linked_key, link.kind],
    )
    return await cursor.fetchone() is not None


async def hand_over_links(connection: Connection, merged: str, into: str) -> list[Link]:
    """Gives the links of a merged issue to the issue that it is now; those between them end.

    Returns those that end because the other issue has the opposite one: an issue that blocks it,
    or that it duplicates, cannot be blocked by it, or be its duplicate.
    """
    keys = {"merged": merged, "into": into}
    opposed = await rows(
        connection,
        "DELETE FROM issue_link AS own USING issue_link AS other"
        " WHERE own.kind = other.kind AND own.kind <> 'relates to' AND ("
        "  own.issue_key = %(merged)s AND other.issue_key = own.linked_key"
        "   AND other.linked_key = %(into)s"
        "  OR own.linked_key = %(merged)s AND other.linked_key = own.issue_key"
        "   AND other.issue_key = %(into)s)"
        " RETURNING own.issue_key, own.kind, own.linked_key",
        keys,
    )
    await connection.execute(
        "INSERT INTO issue_link (issue_key, linked_key, kind)"
        " SELECT %(into)s, linked_key, kind FROM issue_link"
        "  WHERE issue_key = %(merged)s AND linked_key <> %(into)s"
        " UNION SELECT issue_key, %(into)s, kind FROM issue_link"
        "  WHERE linked_key = %(merged)s AND issue_key <> %(into)s"
        " ON CONFLICT DO NOTHING",
        keys,
    )
    await connection.execute(
        "DELETE FROM issue_link WHERE issue_key = %(merged)s OR linked_key = %(merged)s", keys
    )
    # Either direction of "relates to" says the same: one of them is enough.
    await connection.execute(
        "DELETE FROM issue_link AS own USING issue_link AS other"
        " WHERE own.issue_key = %(into)s AND own.kind = 'relates to' AND other.kind = own.kind"
        " AND other.issue_key = own.linked_key AND other.linked_key = own.issue_key",
        keys,
    )
    return [Link(issue_key=key, kind=kind, linked_key=linked) for key, kind, linked in opposed]
