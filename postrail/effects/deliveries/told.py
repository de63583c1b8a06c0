"""Tells the people of a project that notifications of an issue are held."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.configuration.models.limit import LimitName
from postrail.decision.decision import Notice
from postrail.effects.batch import Decided, Made, Work
from postrail.records import OutgoingQueued

CAUSE = f"limit {LimitName.ISSUE_NOTIFICATIONS}"
TEXT = """Notifications of {issue} wait until a person releases them: {why}.

To see them: postrail outgoing list --state held --issue {issue}
To send them: postrail outgoing release --all --issue {issue}
"""


def notices_of_held(
    mails: Sequence[OutgoingQueued], batch: Sequence[Decided], made: Sequence[Made]
) -> list[Work[Notice]]:
    """Returns a notice for each notification that its issue's limit holds.

    Deliveries that are held for another cause, such as a suppressed address, do not count.
    """
    projects = {one.issue.issue_id: one.issue.project for one in made if one.issue}
    return [
        Work(decided.due, _notice(mail, projects[mail.issue_id]))
        for mail in mails
        if all(LimitName.ISSUE_NOTIFICATIONS in one.held for one in mail.deliveries)
        if mail.issue_id in projects
        for decided in batch
        if mail.cause.startswith(decided.due.cause)
    ]


def _notice(mail: OutgoingQueued, project: str) -> Notice:
    issue, why = mail.issue_key or "", mail.deliveries[0].held
    return Notice(cause=CAUSE, text=TEXT.format(issue=issue, why=why), project=project)
