"""Applies a `postrail.yaml` to the database in one transaction.

Applying the same file again changes nothing. What the file does not name stays as it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from psycopg.errors import ForeignKeyViolation

from postrail.configuration import store
from postrail.configuration.entry import ConfigurationFileError, Entry, Fault
from postrail.configuration.kinds import KINDS, kind_of
from postrail.configuration.plan import Plan, make_plan
from postrail.configuration.sealing import resealed
from postrail.database import Connection
from postrail.errors import ConfigurationError
from postrail.secrets import Secrets


async def apply_entries(
    connection: Connection,
    entries: Sequence[Entry],
    secrets: Secrets,
    *,
    file: str,
    author: str,
    now: datetime,
    dry_run: bool = False,
) -> Plan:
    """Plans the changes and, unless it is a dry run, writes them in the caller's transaction.

    Raises ConfigurationFileError that names each fault by line and field, and ConfigurationError
    for a removal that met an issue at the same moment; then nothing is written.
    """
    if not dry_run:
        await store.lock_configuration(connection)
    plan = make_plan(entries, await store.read_all(connection), secrets, file=file)
    if not dry_run:
        await _lock_used(connection, plan)
    if faults := await _faults_of_use(connection, entries, plan):
        raise ConfigurationFileError(file, faults)
    for change in () if dry_run else plan.changes:
        if change.action != "unchanged":
            with _removals_unused(file):
                await store.save(
                    connection, change.after, before=change.before, author=author, now=now
                )
    return plan


async def _lock_used(connection: Connection, plan: Plan) -> None:
    """Waits for the transactions that use what changes, and keeps new ones waiting.

    They write values that a thing allows as they have read it (see `store.hold`).
    """
    for kind in KINDS:
        changed = [
            change.name
            for change in plan.changes
            if change.action == "changed" and type(change.after) is kind.model
        ]
        if changed and kind.table and kind.in_use:
            await store.lock(connection, kind, changed)


async def _faults_of_use(
    connection: Connection, entries: Sequence[Entry], plan: Plan
) -> list[Fault]:
    """Returns the changes that would take away what other tables use."""
    given = {(type(entry.thing), entry.identity): entry for entry in entries}
    faults = []
    for change in plan.changes:
        in_use = kind_of(change.after).in_use
        if in_use and change.action == "changed":
            entry = given[type(change.after), change.name]
            found = await in_use(connection, change.before, change.after)
            faults += [entry.fault(field, problem) for field, problem in found]
    return faults


@contextlib.contextmanager
def _removals_unused(file: str) -> Iterator[None]:
    """Raises ConfigurationError when a removed part came into use since the check."""
    try:
        yield
    except ForeignKeyViolation as error:
        raise ConfigurationError(
            f"{file} removes what an issue has begun to use at this moment",
            remedy="Apply it again: it then says what, and which issue",
        ) from error


async def reseal(connection: Connection, secrets: Secrets, *, author: str, now: datetime) -> int:
    """Seals configured secrets that use an older key with the first key; returns their number."""
    await store.lock_configuration(connection)
    count = 0
    for thing in (await store.read_all(connection)).values():
        if fresh := resealed(thing, secrets):
            after = thing.model_copy(update=fresh)
            await store.save(connection, after, before=thing, author=author, now=now)
            count += len(fresh)
    return count
