"""Tells people that notifications of an issue are held by its limit."""

from __future__ import annotations

from postrail.configuration.models.limit import LimitName
from postrail.notifications.desk_texts import Fault
from postrail.outgoing.alerts.held import held
from postrail.records import OutgoingQueued
from postrail.timed_work.worker import Occasion, Work
from postrail.tracker import issues
from services.sender.alerts.tell import Teller

SHOW = "postrail outgoing list --state held --issue {key}"
RELEASE = "postrail outgoing release --all --issue {key}"
LIMIT = f"limit {LimitName.ISSUE_NOTIFICATIONS}"


def held_work(teller: Teller) -> Work:
    """Returns the work of a timer, whose key is the id of an issue."""

    async def work(one: Occasion) -> list[OutgoingQueued]:
        issue_id = int(one.timer.key)
        found = await held(one.connection, issue_id, LIMIT)
        issue = (await issues.by_id(one.connection, [issue_id])).get(issue_id)
        if found is None or issue is None:
            return []
        fault = held_notifications(issue.issue_key, found.reason)
        return await teller.tell_of_issue(one, fault, issue, found.mailbox)

    return work


def held_notifications(issue_key: str, reason: str) -> Fault:
    """Returns what people are told of an issue that has too many notifications."""
    return Fault(
        cause=LIMIT,
        happened="held",
        details="held_because",
        reason=reason,
        acts=(
            ("see_held", SHOW.format(key=issue_key)),
            ("release_held", RELEASE.format(key=issue_key)),
        ),
        names={"key": issue_key},
    )
