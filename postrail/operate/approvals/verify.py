"""Checks the ledger of approvals: that nothing in it, and nothing that it proves, was changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postrail.approvals import ledger, store
from postrail.approvals.ledger import Broken
from postrail.database import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """The size of the ledger, its end, and where it was changed."""

    events: int
    # The hash of the last event: kept elsewhere, it shows a later change of the whole ledger.
    last_hash: str
    broken: Sequence[Broken]
    # The names of the requests that `broken` names by their ids.
    keys: dict[str, str]

    @property
    def ok(self) -> bool:
        """Tells whether nothing was changed."""
        return not self.broken


async def verify(connection: Connection) -> Verified:
    """Reads the whole ledger, and compares it with the requests and answers."""
    broken = await ledger.verify(connection)
    events, last_hash = await ledger.end(connection)
    wanted = {one.request_id for one in broken if one.request_id}
    requests = await store.by_id(connection, wanted)
    return Verified(
        events=events,
        last_hash=last_hash,
        broken=broken,
        keys={request_id: one.key for request_id, one in requests.items()},
    )
