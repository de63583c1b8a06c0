"""The tables of what operators configure: read by the services, written by `postrail apply`.

Each write leaves a row in `configuration_change` with its author, its time, and the values before
and after it, without secrets.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic import ValidationError

from postrail.configuration.configured import Configured
from postrail.configuration.credential import OAuthCredential
from postrail.configuration.mail_account import MailAccount
from postrail.configuration.outgoing_connection import OutgoingConnection
from postrail.configuration.person import Person
from postrail.configuration.project import Project
from postrail.database import Connection, one
from postrail.errors import ConfigurationError
from postrail.secrets import is_reference

Thing = TypeVar("Thing", bound=Configured)

TABLES: dict[type[Configured], str] = {
    MailAccount: "mail_account",
    OAuthCredential: "oauth_credential",
    OutgoingConnection: "outgoing_connection",
    Person: "person",
    Project: "project",
}
# What people call each kind, in messages and in `configuration_change`.
KINDS: dict[type[Configured], str] = {
    MailAccount: "account",
    OAuthCredential: "credential",
    OutgoingConnection: "connection",
    Person: "person",
    Project: "project",
}
# The field that a thing is known by.
IDENTITIES: dict[type[Configured], str] = {
    MailAccount: "name",
    OAuthCredential: "name",
    OutgoingConnection: "name",
    Person: "address",
    Project: "key",
}
SECRET_FIELDS = frozenset({"password", "client_secret", "private_key", "service_account_key"})
# Where a column is called otherwise than its field.
COLUMNS: dict[type[Configured], dict[str, str]] = {
    MailAccount: {"project": "project_key"},
    OAuthCredential: {},
    OutgoingConnection: {},
    Person: {},
    Project: {"key": "project_key"},
}


async def projects(connection: Connection) -> list[Project]:
    """All projects with their issue types (the default one first), by key."""
    types = (
        "(SELECT array_agg(t.name ORDER BY t.name <> p.default_issue_type, t.name)"
        " FROM issue_type t WHERE t.project_key = p.project_key)"
    )
    statement = (
        f"SELECT project_key AS key, name, {types} AS issue_types,"  # noqa: S608
        " default_issue_type, coalesce(connection, '') AS connection FROM project p ORDER BY 1"
    )
    return [_validated(Project, row) for row in await _dictionaries(connection, statement)]


async def read(connection: Connection, model: type[Thing]) -> list[Thing]:
    """Returns all things of one kind, by their identity."""
    fields = [f"{COLUMNS[model].get(field, field)} AS {field}" for field in model.model_fields]
    statement = f"SELECT {', '.join(fields)} FROM {TABLES[model]} ORDER BY {IDENTITIES[model]}"  # noqa: S608  Names of ours.
    return [_validated(model, row) for row in await _dictionaries(connection, statement)]


async def latest_change_id(connection: Connection) -> int:
    """Returns the greatest change_id in `configuration_change`, 0 when there is none."""
    found = await one(connection, "SELECT max(change_id) FROM configuration_change")
    return int(found[0] or 0) if found else 0


async def save(
    connection: Connection,
    thing: Configured,
    *,
    before: Configured | None,
    author: str,
    now: datetime,
) -> None:
    """Inserts or replaces a thing, and notes who changed it from what, in one transaction."""
    kind = type(thing)
    values = _columns_of(thing)
    await connection.execute(
        _upsert(TABLES[kind], COLUMNS[kind].get(IDENTITIES[kind], IDENTITIES[kind]), list(values)),
        list(values.values()),
    )
    if isinstance(thing, Project):
        await _save_issue_types(connection, thing)
    await connection.execute(
        "INSERT INTO configuration_change (changed_at, author, kind, name, before, after)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        [
            now,
            author,
            KINDS[kind],
            identity(thing),
            None if before is None else Jsonb(shown(before)),
            Jsonb(shown(thing, before)),
        ],
    )


def identity(thing: Configured) -> str:
    """What the thing is known by: a name, a key or an address."""
    return cast("str", getattr(thing, IDENTITIES[type(thing)]))


def shown(thing: Configured, before: Configured | None = None) -> dict[str, Any]:
    """The values that people may see: references as they are, secrets only as set or new."""
    values = thing.model_dump(mode="json")
    for field in SECRET_FIELDS & values.keys():
        secret = values[field]
        if secret and not is_reference(secret):
            changed = before is not None and getattr(before, field) != secret
            values[field] = "(new secret)" if changed else "(secret)"
    return values


async def lock_configuration(connection: Connection) -> None:
    """One writer of the configuration at a time, until the end of the transaction."""
    await connection.execute("LOCK TABLE configuration_change IN SHARE ROW EXCLUSIVE MODE")


async def _dictionaries(connection: Connection, statement: str) -> Sequence[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement.encode())
        return await cursor.fetchall()


def _validated(model: type[Thing], row: dict[str, Any]) -> Thing:
    try:
        return model.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        name = row[IDENTITIES[model]]
        raise ConfigurationError(
            f"{KINDS[model]} {name!r} in the database: {field}: {first['msg']}",
            remedy="Correct it with postrail apply",
        ) from error


def _columns_of(thing: Configured) -> dict[str, Any]:
    names = COLUMNS[type(thing)]
    values = {names.get(field, field): value for field, value in thing.model_dump().items()}
    if isinstance(thing, Project):
        del values["issue_types"]
        values["connection"] = thing.connection or None
    return values


def _upsert(table: str, key: str, columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(
        "INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT ({key}) DO UPDATE SET {sets}"
    ).format(
        table=sql.Identifier(table),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        places=sql.SQL(", ").join(sql.Placeholder() for _ in columns),
        key=sql.Identifier(key),
        sets=sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(column)) for column in columns
        ),
    )


async def _save_issue_types(connection: Connection, project: Project) -> None:
    await connection.execute(
        "DELETE FROM issue_type WHERE project_key = %s AND name <> ALL(%s)",
        [project.key, project.issue_types],
    )
    await connection.execute(
        "INSERT INTO issue_type (project_key, name) SELECT %s, unnest(%s::text[])"
        " ON CONFLICT DO NOTHING",
        [project.key, project.issue_types],
    )
