"""Reads and writes the fields of an issue, by the names that history and records have for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from postrail.database import Connection
from postrail.records import CUSTOM_PREFIX
from postrail.tracker import issue_not_found
from postrail.tracker.builtin.custom_values import read_custom_values, write_custom_values
from postrail.tracker.builtin.search_text import write_issue_words
from postrail.tracker.builtin.usage import parts_exist

# Columns by the names of the fields; `resolved` is the time of the resolution.
COLUMNS = {
    "summary": "summary",
    "description": "description",
    "type": "issue_type",
    "status": "status",
    "resolution": "resolution",
    "resolved": "resolved_at",
    "priority": "priority",
    "assignee": "assignee",
    "reporter": "reporter_address",
    "reporter name": "reporter_name",
    "labels": "labels",
    "components": "components",
    "due": "due_on",
    # The SHA-256 of the blob that holds a description which is too large for the row.
    "description blob": "description_blob",
}
# The search finds an issue by these.
SEARCHED = {"summary", "description", "reporter"}


async def read_fields(
    connection: Connection, issue_key: str, lists: Collection[str]
) -> dict[str, Any]:
    """Returns the values of all fields as they are stored, by name; raises IssueNotFound.

    A custom field without a value is left out. `lists` are the names of those that hold lists.
    """
    names = [
        sql.SQL("{} AS {}").format(sql.Identifier(column), sql.Identifier(name))
        for name, column in COLUMNS.items()
    ]
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            sql.SQL("SELECT {names} FROM issue WHERE issue_key = %s").format(
                names=sql.SQL(", ").join(names)
            ),
            [issue_key],
        )
        built_in = await cursor.fetchone()
    if built_in is None:
        raise issue_not_found(issue_key)
    custom = {
        CUSTOM_PREFIX + field: values if field in lists else values[0]
        for field, values in (await read_custom_values(connection, issue_key)).items()
    }
    return {**built_in, **custom}


async def write_fields(
    connection: Connection, issue_key: str, project_key: str, values: Mapping[str, Any]
) -> None:
    """Writes some fields by name, with values as they are stored.

    The caller has locked the issue and checked the values. Raises SettingsChanged.
    """
    columns = {COLUMNS[name]: value for name, value in values.items() if name in COLUMNS}
    with parts_exist():
        if columns:
            await _update(connection, issue_key, columns)
        for name, value in values.items():
            if name not in COLUMNS:
                several = [] if value is None else value if isinstance(value, list) else [value]
                field = name.removeprefix(CUSTOM_PREFIX)
                await write_custom_values(connection, issue_key, project_key, field, several)
    if SEARCHED & values.keys():
        await write_issue_words(connection, [issue_key])


async def _update(connection: Connection, issue_key: str, columns: Mapping[str, Any]) -> None:
    sets = [sql.SQL("{} = %s").format(sql.Identifier(column)) for column in columns]
    await connection.execute(
        sql.SQL("UPDATE issue SET {sets} WHERE issue_key = %s").format(
            sets=sql.SQL(", ").join(sets)
        ),
        [*columns.values(), issue_key],
    )
