"""Lets people leave an issue: they watch it no longer, and get nothing that they waited for."""

from __future__ import annotations

from collections.abc import Sequence

from postrail import people
from postrail.database import Connection
from postrail.outgoing.bundles import pending
from postrail.tracker import issues
from postrail.tracker.watchers import remove_watchers


async def leave(connection: Connection, issue_id: int, watchers: Sequence[str]) -> None:
    """Removes these watchers, and drops what waits for them in bundles and digests.

    The caller holds the lock of the issue.
    """
    if not watchers:
        return
    await remove_watchers(connection, issue_id, watchers)
    # What waits has the address that mail to the person goes to.
    persons = await people.by_address(connection, watchers)
    own = {address for person in persons.values() for address in person.addresses}
    # What waited before a merge has the id of the issue that was merged.
    issue_ids = await issues.with_merged(connection, [issue_id])
    await pending.drop(connection, issue_ids.keys(), own.union(watchers))
