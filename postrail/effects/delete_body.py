"""Applies DeleteBody: of bulk messages, only the header is kept."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.decision.decision import DeleteBody
from postrail.effects.batch import Context, Made, Work
from postrail.incoming.deletion import drop_bodies


async def delete_bodies(context: Context, works: Sequence[Work[DeleteBody]]) -> list[Made]:
    """Drops the body of each message."""
    await drop_bodies(context.connection, [work.due.mail for work in works])
    return []
