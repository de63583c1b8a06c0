"""The tables of configured things: read by the services, written by `postrail apply`.

Each write adds a row to `configuration_change` with its author, its time, and the values before
and after it, without secrets.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic import ValidationError

from postrail.configuration import kinds
from postrail.configuration.configured import Configured
from postrail.configuration.entry import Existing, Thing
from postrail.configuration.kind import ItemTable, Kind
from postrail.configuration.kinds import identity, kind_of, shown
from postrail.database import Connection, one, rows
from postrail.errors import InstallationFault, PermanentError


async def read(connection: Connection, kind: Kind[Thing]) -> list[Thing]:
    """Returns all things of a kind, disabled ones included, by identity.

    Raises InstallationFault for a row that is not valid: services wait until it is corrected, since
    it concerns the whole installation, and no single message.
    """
    if kind.read:
        return [_validated(kind, values) for values in await kind.read(connection)]
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_select(kind))
        return [_validated(kind, row) for row in await cursor.fetchall()]


async def read_all(connection: Connection) -> Existing:
    """Returns everything that is configured, by model and identity."""
    return {
        (kind.model, kind.identity_of(thing)): thing
        for kind in kinds.KINDS
        for thing in await read(connection, kind)
    }


async def exists(connection: Connection, kind: Kind[Any], identity: str) -> bool:
    """Returns whether a thing with this identity is configured."""
    found = await connection.execute(
        sql.SQL("SELECT FROM {table} WHERE {identity} = %s").format(
            table=sql.Identifier(kind.table),
            identity=sql.Identifier(kind.column(kind.identity)),
        ),
        [identity],
    )
    return found.rowcount == 1


async def latest_change_id(connection: Connection) -> int:
    """Returns the greatest change_id in `configuration_change`, 0 when there is none."""
    found = await one(connection, "SELECT max(change_id) FROM configuration_change")
    return int(found[0] or 0) if found else 0


async def values_at(
    connection: Connection, change_id: int, kinds: Sequence[str]
) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Returns kind, identity and values of the things that changed after a change, as at that time.

    The values are None for a thing that was added since.
    """
    found = await rows(
        connection,
        "SELECT DISTINCT ON (kind, name) kind, name, before FROM configuration_change"
        " WHERE change_id > %s AND kind = ANY(%s) ORDER BY kind, name, change_id",
        [change_id, list(kinds)],
    )
    return [(row[0], row[1], row[2]) for row in found]


def former(kind: Kind[Thing], values: Mapping[str, Any]) -> Thing:
    """Returns a thing as a recorded change has it; raises PermanentError if it is not valid now."""
    if kind.of_earlier_release:
        values = kind.of_earlier_release(values)
    names = {kind.former_fields.get(name, name): value for name, value in values.items()}
    try:
        return kind.model.model_validate(names)
    except ValidationError as error:
        raise PermanentError(
            f"{kind.word} {values.get(kind.identity)!r} was configured by another release in a way"
            f" that this one does not understand: {error.errors()[0]['msg']}",
            remedy="Try the message with the present configuration: postrail explain",
        ) from error


async def save(
    connection: Connection,
    thing: Configured,
    *,
    before: Configured | None,
    author: str,
    now: datetime,
) -> None:
    """Adds or replaces a thing and records the change with its author, in one transaction."""
    kind = kind_of(thing)
    if kind.before_write:
        await kind.before_write(connection, thing)
    if kind.write:
        await kind.write(connection, thing)
    else:
        await _write(connection, kind, thing)
    if kind.after_write:
        await kind.after_write(connection)
    await record_change(connection, before=before, after=thing, author=author, now=now)


async def record_change(
    connection: Connection,
    *,
    before: Configured | None,
    after: Configured | None,
    author: str,
    now: datetime,
) -> None:
    """Records that a thing was added (without `before`), changed, or removed (without `after`)."""
    thing = after or before
    assert thing is not None
    await connection.execute(
        "INSERT INTO configuration_change (changed_at, author, kind, name, before, after)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        [
            now,
            author,
            kind_of(thing).word,
            identity(thing),
            None if before is None else Jsonb(shown(before)),
            None if after is None else Jsonb(shown(after, before)),
        ],
    )


async def lock_configuration(connection: Connection) -> None:
    """Keeps other writers of the configuration waiting until the end of the transaction."""
    await connection.execute("LOCK TABLE configuration_change IN SHARE ROW EXCLUSIVE MODE")


async def lock(connection: Connection, kind: Kind[Any], identities: Collection[str]) -> None:
    """Waits for all that `hold` these things, and keeps others waiting until the commit."""
    await _lock_rows(connection, kind, identities, "FOR UPDATE")


async def hold(connection: Connection, kind: Kind[Any], identities: Collection[str]) -> None:
    """Keeps the things as they are until this transaction ends: `apply` waits for it.

    What is read of them before may be out of date. They are held once in a transaction, all
    together, and before the rows that use them: `apply` locks them in the same order.
    """
    await _lock_rows(connection, kind, identities, "FOR KEY SHARE")


async def _lock_rows(
    connection: Connection,
    kind: Kind[Any],
    identities: Collection[str],
    mode: Literal["FOR UPDATE", "FOR KEY SHARE"],
) -> None:
    statement = sql.SQL(
        "SELECT FROM {table} WHERE {identity} = ANY(%s) ORDER BY {identity} {mode}"
    ).format(
        table=sql.Identifier(kind.table),
        identity=sql.Identifier(kind.column(kind.identity)),
        mode=sql.SQL(mode),
    )
    await connection.execute(statement, [sorted(set(identities))])


def _validated(kind: Kind[Thing], values: Mapping[str, Any]) -> Thing:
    try:
        return kind.model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InstallationFault(
            f"{kind.word} {values[kind.identity]!r} in the database: {field}: {first['msg']}",
            # postrail apply compares with all rows, so that it cannot.
            remedy=f"Correct its row in the table {kind.table or kind.word}",
        ) from error


def _select(kind: Kind[Any]) -> sql.Composed:
    return sql.SQL("SELECT {values} FROM {table} AS thing ORDER BY {identity}").format(
        values=sql.SQL(", ").join(_value(kind, name) for name in kind.model.model_fields),
        table=sql.Identifier(kind.table),
        identity=sql.Identifier("thing", kind.column(kind.identity)),
    )


def _value(kind: Kind[Any], name: str) -> sql.Composed:
    column: sql.Composable = sql.Identifier("thing", kind.column(name))
    if name in kind.items:
        column = _item_list(kind, kind.items[name])
    elif name in kind.nullable:
        column = sql.SQL("coalesce({}, '')").format(column)
    return sql.SQL("{} AS {}").format(column, sql.Identifier(name))


def _item_list(kind: Kind[Any], items: ItemTable) -> sql.Composed:
    return sql.SQL(
        "coalesce((SELECT json_agg({item} ORDER BY item.{place}, item.{first}) FROM {table} AS item"
        " WHERE item.{owner} = thing.{identity}{fixed}), '[]')"
    ).format(
        item=_item(items),
        place=sql.Identifier(items.place),
        first=sql.Identifier(next(iter(items.columns.values()))),
        table=sql.Identifier(items.table),
        owner=sql.Identifier(items.owner),
        identity=sql.Identifier(kind.column(kind.identity)),
        fixed=sql.SQL("").join(
            sql.SQL(" AND item.{} = {}").format(sql.Identifier(column), sql.Literal(value))
            for column, value in items.fixed.items()
        ),
    )


def _item(items: ItemTable) -> sql.Composable:
    """Returns the expression for an item: its text, or an object with its fields."""
    if "" in items.columns:
        return sql.Identifier("item", items.columns[""])
    return sql.SQL("json_build_object({})").format(
        sql.SQL(", ").join(
            sql.SQL("{}, {}").format(sql.Literal(field), sql.Identifier("item", column))
            for field, column in items.columns.items()
        )
    )


async def _write(connection: Connection, kind: Kind[Any], thing: Configured) -> None:
    values = {
        kind.column(name): _stored(kind, name, value)
        for name, value in thing.model_dump().items()
        if name not in kind.items
    }
    key = [kind.column(kind.identity)]
    await connection.execute(_upsert_into(kind.table, list(values), key), list(values.values()))
    lists = thing.model_dump(include=set(kind.items))
    for name, items in kind.items.items():
        await _write_items(connection, items, kind.identity_of(thing), lists[name])


def _stored(kind: Kind[Any], name: str, value: Any) -> Any:
    if name in kind.json:
        return Jsonb(value)
    return (value or None) if name in kind.nullable else value


def _upsert_into(table: str, columns: Sequence[str], key: Sequence[str]) -> sql.Composed:
    return sql.SQL(
        "INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT ({key}) DO UPDATE SET {sets}"
    ).format(
        table=sql.Identifier(table),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        places=sql.SQL(", ").join(sql.Placeholder() for _ in columns),
        key=sql.SQL(", ").join(map(sql.Identifier, key)),
        sets=sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(column)) for column in columns
        ),
    )


async def _write_items(
    connection: Connection, items: ItemTable, owner: str, given: Sequence[Any]
) -> None:
    rows = [_row(items, owner, item, place) for place, item in enumerate(given, 1)]
    kept = {"owner": items.owner, **{column: column for column in items.fixed}}
    first = next(iter(items.columns.values()))
    await connection.execute(
        sql.SQL("DELETE FROM {table} WHERE {same} AND {first} <> ALL(%s)").format(
            table=sql.Identifier(items.table),
            same=sql.SQL(" AND ").join(
                sql.SQL("{} = %s").format(sql.Identifier(column)) for column in kept.values()
            ),
            first=sql.Identifier(first),
        ),
        [owner, *items.fixed.values(), [row[first] for row in rows]],
    )
    for row in rows:
        await connection.execute(
            _upsert_into(items.table, list(row), [*kept.values(), first]), list(row.values())
        )


def _row(items: ItemTable, owner: str, item: Any, place: int) -> dict[str, Any]:
    """Returns the values of an item's row by column; `item` is a text or a mapping of fields."""
    values = {"": item} if "" in items.columns else item
    return {
        items.owner: owner,
        **items.fixed,
        **{column: values[field] for field, column in items.columns.items()},
        items.place: place,
    }
