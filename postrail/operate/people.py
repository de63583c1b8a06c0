"""Acts on persons by operators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail import people
from postrail.configuration import store
from postrail.configuration.person_rows import as_configured
from postrail.database import Connection
from postrail.people import PersonRow
from postrail.people.changes import merge


@dataclass(frozen=True, kw_only=True, slots=True)
class MergedPeople:
    """One person of two."""

    person: PersonRow
    # The address for mail of the person that is gone; it belongs to `person` now.
    merged: str


async def merge_people(
    connection: Connection, kept: str, other: str, *, author: str, now: datetime
) -> MergedPeople:
    """Merges one person into another, each named by any address, in the caller's transaction.

    Issues stay as they are, since they name addresses; so do the roles of both, since a project
    names addresses and groups. Raises PersonNotFound and CannotMerge.
    """
    await store.lock_configuration(connection)
    await people.lock(connection)
    before = await people.person_of(connection, kept)
    gone = await people.person_of(connection, other)
    after = await merge(connection, before, gone)
    changes = [(before, as_configured(after)), (gone, None)]
    for old, new in changes:
        await store.record_change(
            connection, before=as_configured(old), after=new, author=author, now=now
        )
    return MergedPeople(person=after, merged=gone.address)
