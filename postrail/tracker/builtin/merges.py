"""Merges an issue of the built-in tracker into another; it stays as a record."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.database import Connection, rows
from postrail.tracker.builtin.search_text import (
    beginning_of,
    write_comment_words,
    write_issue_words,
)

_PARTS_EXIST = "issue_type_of_project, issue_status"


async def merge_issue(connection: Connection, merged: str, into: str, act_id: str) -> int:
    """Gives an issue's description, comments and files to another issue.

    The description, or the summary of an issue without one, becomes a comment with its author,
    time and message; returns the comment's id. Fields and history stay with the merged issue. The
    caller has locked both.
    """
    keys = {"merged": merged, "into": into}
    ((comment_id,),) = await rows(
        connection,
        "INSERT INTO comment (issue_key, author_address, author_name, body, body_blob, mail_id,"
        "  revision, created_at, act_id)"
        " SELECT %(into)s, reporter_address, reporter_name,"
        "  CASE WHEN description = '' AND description_blob IS NULL THEN summary"
        "   ELSE description END,"
        "  description_blob, mail_id, revision, created_at,"
        "  CASE WHEN mail_id IS NULL THEN %(act_id)s::uuid END"
        " FROM issue WHERE issue_key = %(merged)s RETURNING comment_id",
        {**keys, "act_id": act_id},
    )
    moved = await rows(
        connection,
        "UPDATE comment SET issue_key = %(into)s WHERE issue_key = %(merged)s RETURNING comment_id",
        keys,
    )
    await connection.execute(
        "UPDATE attachment SET issue_key = %(into)s,"
        "  comment_id = coalesce(comment_id, %(comment_id)s) WHERE issue_key = %(merged)s",
        {**keys, "comment_id": comment_id},
    )
    beginning = await beginning_of(connection, merged)
    await write_comment_words(
        connection,
        [comment_id, *(one for (one,) in moved)],
        {comment_id: beginning} if beginning else {},
    )
    # A chain of merges has one step.
    await connection.execute(
        "UPDATE issue SET merged_into = %(into)s"
        " WHERE issue_key = %(merged)s OR merged_into = %(merged)s",
        keys,
    )
    # The search finds it by the summary of the merged issue, too.
    await write_issue_words(connection, [into])
    return int(comment_id)


async def free_merged(
    connection: Connection,
    project: str,
    *,
    types: Sequence[str],
    statuses: Sequence[str],
    fields: Sequence[str],
) -> None:
    """Takes types, statuses and custom fields other than these from merged issues of the project.

    They get the first type and status, as rows have one, and are records: nobody can change them.
    `check_parts` comes after the change of the project.
    """
    # The first ones may be new, and are added to the project after this.
    await connection.execute(f"SET CONSTRAINTS {_PARTS_EXIST} DEFERRED".encode())
    await connection.execute(
        "UPDATE issue SET issue_type = %s WHERE project_key = %s AND merged_into IS NOT NULL"
        " AND issue_type <> ALL(%s)",
        [types[0], project, list(types)],
    )
    await connection.execute(
        "UPDATE issue SET status = %s, resolution = NULL, resolved_at = NULL"
        " WHERE project_key = %s AND merged_into IS NOT NULL AND status <> ALL(%s)",
        [statuses[0], project, list(statuses)],
    )
    await connection.execute(
        "DELETE FROM custom_value USING issue WHERE issue.issue_key = custom_value.issue_key"
        " AND issue.project_key = %s AND issue.merged_into IS NOT NULL AND field <> ALL(%s)",
        [project, list(fields)],
    )


async def check_parts(connection: Connection) -> None:
    """Checks that the types and statuses of issues exist, which `free_merged` has put off."""
    await connection.execute(f"SET CONSTRAINTS {_PARTS_EXIST} IMMEDIATE".encode())
