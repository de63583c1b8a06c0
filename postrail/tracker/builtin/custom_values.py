"""Rows of the values of custom fields: one for a value, several for a list of choices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from postrail.database import Connection, rows

CustomValue = str | Decimal | date


async def read_custom_values(
    connection: Connection, issue_key: str
) -> dict[str, list[CustomValue]]:
    """Returns the values of each custom field that has some, by the field's name."""
    found = await rows(
        connection,
        "SELECT field, text_value, number_value, date_value FROM custom_value"
        " WHERE issue_key = %s ORDER BY field, place",
        [issue_key],
    )
    values: dict[str, list[CustomValue]] = {}
    for field, *columns in found:
        values.setdefault(field, []).extend(one for one in columns if one is not None)
    return values


async def write_custom_values(
    connection: Connection,
    issue_key: str,
    project_key: str,
    field: str,
    values: Sequence[CustomValue],
) -> None:
    """Replaces the values of a custom field; without values the field is empty."""
    await connection.execute(
        "DELETE FROM custom_value WHERE issue_key = %s AND field = %s", [issue_key, field]
    )
    for place, value in enumerate(values, 1):
        await connection.execute(
            "INSERT INTO custom_value (issue_key, project_key, field, place, text_value,"
            "  number_value, date_value) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                issue_key,
                project_key,
                field,
                place,
                value if isinstance(value, str) else None,
                value if isinstance(value, Decimal) else None,
                value if isinstance(value, date) else None,
            ],
        )
