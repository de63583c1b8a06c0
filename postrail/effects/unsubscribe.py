"""Applies Unsubscribe: people who leave an issue by mail watch it no longer."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.decision.decision import Unsubscribe
from postrail.effects.batch import Context, Made, Work
from postrail.effects.bundles.leave import leave
from postrail.tracker.builtin.history import Behind, Change, insert_changes
from postrail.tracker.builtin.issues import touch_issues
from postrail.tracker.watchers import watching
from postrail.workflow.rights import Act


async def unsubscribe(context: Context, works: Sequence[Work[Unsubscribe]]) -> list[Made]:
    """Removes the watchers of each effect, with a row of history for each; nobody is notified."""
    for work in works:
        await _remove(context, work)
    return [Made(mail_id=work.due.mail.mail_id, issue=work.effect.issue) for work in works]


async def _remove(context: Context, work: Work[Unsubscribe]) -> None:
    connection, issue = context.connection, work.effect.issue
    present = await watching(connection, issue.issue_id)
    leaving = [address for address in work.effect.addresses if address in present]
    if not leaving:
        return
    await leave(connection, issue.issue_id, leaving)
    await touch_issues(connection, [issue.issue_key], context.now)
    mail_id = work.due.mail.mail_id
    behind = Behind(
        act_id=mail_id,
        act=Act.WATCH,
        # The token proves the person; the message may be from anybody.
        actor_address=leaving[0],
        actor_name="",
        channel="mail",
        mail_id=mail_id,
        changed_at=context.now,
    )
    changes = [Change("watcher", address, None) for address in leaving]
    await insert_changes(connection, issue.issue_key, behind, changes)
