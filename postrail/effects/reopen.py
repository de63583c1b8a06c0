"""Opens done issues again that messages comment on, where a mail handler says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from postrail.decision.decision import AddComment
from postrail.effects.batch import Context, Work
from postrail.effects.involvement import author_of
from postrail.tracker.builtin.fields import read_fields, write_fields
from postrail.tracker.builtin.history import Behind, Change, insert_changes
from postrail.workflow.rights import Act


async def reopen(context: Context, works: Sequence[Work[AddComment]]) -> None:
    """Moves the issues to the first status of their projects, with a row of history for each field.

    A status that a project's transitions would not allow is set all the same: the operator's
    handler says so. An issue that several messages of the batch comment on is moved once.
    """
    for work in works:
        issue = work.effect.issue
        before = await read_fields(context.connection, issue.issue_key, ())
        if before["resolved"] is None:
            continue
        after = {
            "status": context.snapshot.projects[issue.project].first_status,
            "resolution": None,
            "resolved": None,
        }
        await write_fields(context.connection, issue.issue_key, issue.project, after)
        await insert_changes(
            context.connection, issue.issue_key, _behind(context, work), _changes(before, after)
        )


def _changes(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    return [Change(name, before[name], after[name]) for name in ("status", "resolution")]


def _behind(context: Context, work: Work[AddComment]) -> Behind:
    author, mail = author_of(work.due.mail, context.snapshot), work.due.mail
    return Behind(
        act_id=mail.mail_id,
        act=Act.TRANSITION,
        actor_address=author.address,
        actor_name=author.name,
        channel="mail",
        mail_id=mail.mail_id,
        changed_at=context.now,
    )
