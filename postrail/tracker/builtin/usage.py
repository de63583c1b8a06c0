"""Holds issues and the parts of their projects together: types, statuses, custom fields."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, LiteralString

from psycopg.errors import ForeignKeyViolation

from postrail.database import Connection, one
from postrail.errors import TransientError

PartName = Literal["type", "status", "component", "field", "choice"]


class SettingsChanged(TransientError):
    """The project's settings changed while an issue was written; the next try uses the new ones."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a project that issues may use."""

    kind: PartName
    # Of a choice, the name of its field.
    name: str
    choice: str = ""

    def __str__(self) -> str:
        of_field = f" {self.choice!r} of field" if self.choice else ""
        return f"{self.kind}{of_field} {self.name!r}"


_USED_BY: dict[PartName, LiteralString] = {
    "type": "SELECT issue_key FROM issue WHERE merged_into IS NULL"
    " AND project_key = %(project)s AND issue_type = %(name)s",
    "status": "SELECT issue_key FROM issue WHERE merged_into IS NULL"
    " AND project_key = %(project)s AND status = %(name)s",
    "component": "SELECT issue_key FROM issue WHERE merged_into IS NULL"
    " AND project_key = %(project)s AND components @> ARRAY[%(name)s]::text[]",
    "field": "SELECT DISTINCT issue_key FROM custom_value JOIN issue USING (issue_key, project_key)"
    " WHERE merged_into IS NULL AND project_key = %(project)s AND field = %(name)s",
    "choice": "SELECT DISTINCT issue_key FROM custom_value"
    " JOIN issue USING (issue_key, project_key)"
    " WHERE merged_into IS NULL AND project_key = %(project)s AND field = %(name)s"
    "  AND text_value = %(choice)s",
}

_COUNTED: LiteralString = """) SELECT (SELECT count(*) FROM used),
ARRAY(SELECT issue_key FROM used ORDER BY issue_key LIMIT %(most)s)"""


async def issues_with(
    connection: Connection, project: str, part: Part, *, most: int
) -> tuple[int, list[str]]:
    """Returns the number of issues that use the part, and the keys of some.

    Merged issues do not count: they are records, and give the part up (`merges.free_merged`).
    """
    parameters = {"project": project, "name": part.name, "choice": part.choice}
    return await counted(connection, _USED_BY[part.kind], parameters, most=most)


async def counted(
    connection: Connection, used: LiteralString, parameters: Mapping[str, Any], *, most: int
) -> tuple[int, list[str]]:
    """Returns the number of issues whose keys the query yields, and some of the keys."""
    found = await one(connection, "WITH used AS (" + used + _COUNTED, {**parameters, "most": most})
    assert found is not None
    return found[0], found[1]


@contextlib.contextmanager
def parts_exist() -> Iterator[None]:
    """Raises SettingsChanged when a row names a part that another transaction has removed."""
    try:
        yield
    except ForeignKeyViolation as error:
        raise SettingsChanged(
            "the settings of the project or a person changed at this moment", remedy="Try again"
        ) from error
