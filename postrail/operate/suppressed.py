"""Takes suppressed addresses back into use, and decides about what is held for them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from postrail.database import Connection
from postrail.errors import PermanentError
from postrail.outgoing import suppressions

# What happens to the messages that are held for a released address.
Held = Literal["keep", "send", "cancel"]


async def require_in_use(connection: Connection, addresses: Collection[str]) -> None:
    """Raises PermanentError if one of the addresses is suppressed: nothing is sent to it."""
    for address in await suppressions.suppressed(connection, addresses):
        raise PermanentError(
            f"{address} is suppressed, as messages to it came back",
            remedy=f"Release it: postrail outgoing suppressed release {address}",
        )


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
    move = suppressions.send_held if held == "send" else suppressions.cancel_held
    return len(await move(connection, address, now))
