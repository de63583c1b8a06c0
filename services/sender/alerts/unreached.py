"""Tells people of an issue of which nobody is told any more: its addresses are suppressed."""

from __future__ import annotations

import shlex

from postrail.notifications.desk_texts import Fault
from postrail.outgoing.alerts import unreached
from postrail.outgoing.alerts.unreached import Unreached
from postrail.records import OutgoingQueued
from postrail.timed_work.worker import Occasion, Work
from postrail.tracker import issues
from services.sender.alerts.tell import Teller

RELEASE = "postrail outgoing suppressed release {address} --send-held"
# More addresses than these are only named.
RELEASES_MAX = 5


def unreached_work(teller: Teller) -> Work:
    """Returns the work of a timer, whose key is the id of a message."""

    async def work(one: Occasion) -> list[OutgoingQueued]:
        found = await unreached.unreached(one.connection, one.timer.key)
        known = await issues.by_id(one.connection, [found.issue_id]) if found else {}
        if not found or found.issue_id not in known:
            return []
        issue = known[found.issue_id]
        fault = unreachable(issue.issue_key, found)
        await teller.post(one.connection, fault, one.snapshot, issue.project, one.now)
        return await teller.tell_of_issue(one, fault, issue, found.mailbox)

    return work


def unreachable(issue_key: str, found: Unreached) -> Fault:
    """Returns what people are told of an issue whose recipients are suppressed."""
    addresses = list(dict.fromkeys(found.addresses))
    return Fault(
        cause=f"nobody gets the emails about {issue_key}",
        happened="unreachable",
        details="unreachable_only",
        reason=found.reason,
        acts=tuple(
            ("release_address", RELEASE.format(address=shlex.quote(one)))
            for one in addresses[:RELEASES_MAX]
        ),
        issue_key=issue_key,
        names={"key": issue_key, "recipient": ", ".join(addresses)},
    )
