"""Moves an issue of the built-in tracker to another project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from postrail.database import Connection, rows
from postrail.tracker.builtin.fields import write_fields
from postrail.tracker.builtin.numbering import take_numbers
from postrail.tracker.builtin.search_text import write_comment_words, write_issue_words


async def move_issue(
    connection: Connection, issue_key: str, project: str, values: Mapping[str, Any]
) -> str:
    """Gives the issue the next number of the project and returns its new key.

    `values` are the type, status, resolution, `resolved`, components and custom fields that it has
    there, as they are stored; other values of custom fields are removed. Comments, files, history,
    links and search rows follow by their foreign keys; the search uses the language of the project
    from then on. The caller has locked the issue.
    """
    (number,) = await take_numbers(connection, [project])
    key = f"{project}-{number}"
    # Their fields are those of the former project.
    await connection.execute("DELETE FROM custom_value WHERE issue_key = %s", [issue_key])
    await connection.execute(
        "UPDATE issue SET issue_key = %(key)s, project_key = %(project)s, number = %(number)s,"
        # One statement: the type and the status belong to the project.
        "  issue_type = %(type)s, status = %(status)s WHERE issue_key = %(issue_key)s",
        {
            "key": key,
            "project": project,
            "number": number,
            "type": values["type"],
            "status": values["status"],
            "issue_key": issue_key,
        },
    )
    await write_fields(connection, key, project, values)
    await write_issue_words(connection, [key])
    comments = await rows(connection, "SELECT comment_id FROM comment WHERE issue_key = %s", [key])
    await write_comment_words(connection, [comment_id for (comment_id,) in comments])
    return key
