"""Holds notifications of an issue that has too many by the limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from postrail.configuration.models.limit import Limit, LimitName
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.outgoing import counting
from postrail.records import OutgoingQueued


async def within_limit(
    connection: Connection,
    mails: Sequence[OutgoingQueued],
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> list[OutgoingQueued]:
    """Returns the notifications, held where their issues had too many; a person may release them.

    What begins below the limit goes to all of its recipients. The caller holds the locks of the
    issues, so that no other process counts at the same time.
    """
    limit = snapshot.limit(LimitName.ISSUE_NOTIFICATIONS)
    if not mails or not limit.value:
        return list(mails)
    ids = {mail.issue_id for mail in mails if mail.issue_id is not None}
    since = now - timedelta(minutes=limit.minutes)
    sent = await counting.notifications(connection, ids, since, limit.value)
    found = []
    for mail in mails:
        issue_id = mail.issue_id or 0
        if sent.get(issue_id, 0) >= limit.value:
            found.append(_held(mail, limit))
        else:
            sent[issue_id] = sent.get(issue_id, 0) + len(mail.deliveries)
            found.append(mail)
    return found


def is_held(mail: OutgoingQueued) -> bool:
    """Tells whether the limit holds a notification, and not, for example, a suppressed address."""
    return all(LimitName.ISSUE_NOTIFICATIONS in one.held for one in mail.deliveries)


def _held(mail: OutgoingQueued, limit: Limit) -> OutgoingQueued:
    why = f"{limit.shown}, which {mail.issue_key} has reached"
    return replace(mail, deliveries=[replace(one, held=one.held or why) for one in mail.deliveries])
