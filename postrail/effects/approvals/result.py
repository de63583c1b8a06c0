"""Tells the requester what became of a request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from postrail.approvals.request import Assignment, Request
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.approvals.letters import letters_of
from postrail.notifications.approvals.ending import result_words
from postrail.outgoing import intake
from postrail.records import OutgoingQueued
from postrail.rendering.events import MessageEvent
from postrail.tracker.issues import Watcher


async def result_mail(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    request: Request,
    assignments: Sequence[Assignment],
    key: bytes,
    now: datetime,
) -> list[OutgoingQueued]:
    """Stores and returns the message about a request that has ended.

    None to a requester without an address, or with one of ours.
    """
    address = request.requester_address.lower()
    if not address or snapshot.is_own(address):
        return []
    letters = await letters_of(connection, snapshot, request, [address], key, now)
    if letters is None:
        return []
    reader = letters.readers.get(address)
    zone = reader.time_zone if reader else ""
    letter = letters.letter(
        Watcher(address=address, name=request.requester_name),
        MessageEvent.APPROVAL_RESULT,
        "ends",
        partial(result_words, letters.about, assignments, zone),
    )
    mails = [mail] if (mail := letters.made(letter)) else []
    await intake.store(connection, mails)
    return mails
