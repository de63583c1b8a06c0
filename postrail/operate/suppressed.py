"""Takes suppressed addresses back into use, and decides about what is held for them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from postrail.database import Connection
from postrail.errors import PermanentError
from postrail.operate.deliveries import CANCEL, RELEASE, Filters, all_that_match, carry_out
from postrail.outgoing import suppressions
from postrail.outgoing.suppressions import SUPPRESSED

# What happens to the messages that are held for a released address.
Held = Literal["keep", "send", "cancel"]


async def release_address(
    connection: Connection, address: str, held: Held, *, by: str, now: datetime
) -> int:
    """Takes an address back into use; returns the number of held deliveries sent or cancelled.

    Raises PermanentError when the address is not suppressed.
    """
    if not await suppressions.release(connection, address, by, now):
        raise PermanentError(
            f"{address} is not suppressed", remedy="See: postrail outgoing suppressed list"
        )
    if held == "keep":
        return 0
    act = RELEASE if held == "send" else CANCEL
    filters = Filters(state="held", recipient=address, reason=SUPPRESSED)
    selection = await all_that_match(connection, act, filters)
    return len(await carry_out(connection, act, selection, by, now))
