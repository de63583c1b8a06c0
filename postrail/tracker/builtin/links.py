"""Rows of links between issues of the built-in tracker."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.database import Connection


async def insert_links(connection: Connection, pairs: Sequence[tuple[str, str]]) -> None:
    """Links the first issue of each pair to the second, as "relates to"."""
    if not pairs:
        return
    await connection.execute(
        "INSERT INTO issue_link (issue_key, linked_key, kind)"
        " SELECT *, 'relates to' FROM unnest(%b::text[], %b::text[]) ON CONFLICT DO NOTHING",
        [[key for key, _ in pairs], [linked for _, linked in pairs]],
    )
