"""Applies Notice: people are told of something, of each cause at most once an hour."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.decision.decision import Notice
from postrail.effects.batch import Context, Work
from postrail.effects.forwarding.brake import held_above_limit
from postrail.effects.forwarding.notice import notices_of
from postrail.records import OutgoingQueued


async def send_notices(context: Context, works: Sequence[Work[Notice]]) -> list[OutgoingQueued]:
    """Returns a message for the first notice of each cause that is due; the excess is held."""
    return await held_above_limit(context, await notices_of(context, works))
