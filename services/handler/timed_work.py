"""Lists the timed work of the handler: bundles, digests, and the times of approval requests.

It is the handler's, because it needs the configuration, the people and the templates as the effects
of messages do.
"""

from __future__ import annotations

from collections.abc import Mapping

from postrail.effects.approvals.delegates import begin_delegation
from postrail.effects.bundles.digest import send_digest
from postrail.effects.bundles.send import send_due
from postrail.effects.bundles.wait import issue_of, recipient_of
from postrail.operate.approvals.timed.deadline import meet_deadline
from postrail.operate.approvals.timed.follow import follow
from postrail.operate.approvals.timed.reminders import send_reminders
from postrail.operate.issues.act import Desk
from postrail.records import OutgoingQueued
from postrail.timed_work.worker import Occasion, Work
from postrail.timers.queue import TimerKind


async def _begin_delegation(one: Occasion) -> list[OutgoingQueued]:
    return await begin_delegation(
        one.connection, one.snapshot, int(one.timer.key), one.message_id_key, one.now
    )


async def _send_bundle(one: Occasion) -> list[OutgoingQueued]:
    return await send_due(one.connection, issue_of(one.timer.key), one.snapshot, one.now)


async def _send_digest(one: Occasion) -> list[OutgoingQueued]:
    key, recipient = one.timer.key, recipient_of(one.timer.key)
    return await send_digest(
        one.connection, issue_of(key), recipient, one.snapshot, one.message_id_key, one.now
    )


async def _send_reminders(one: Occasion) -> list[OutgoingQueued]:
    return await send_reminders(
        one.connection, one.snapshot, one.timer, one.message_id_key, one.now
    )


async def _meet_deadline(one: Occasion) -> list[OutgoingQueued]:
    met = await meet_deadline(one.connection, one.snapshot, one.timer, one.message_id_key, one.now)
    if met is None:
        return []
    one.entries.extend(met.entries)
    return list(met.mails)


async def _follow(one: Occasion) -> list[OutgoingQueued]:
    return await follow(_desk_of(one), one.connection, one.snapshot, one.timer.key)


def _desk_of(one: Occasion) -> Desk:
    return Desk(
        pool=one.pool,
        message_id_key=one.message_id_key,
        excerpt_max_characters=one.notifications.excerpt_max_characters,
        now=one.now,
        bundle_seconds=one.notifications.bundle_seconds,
        letter_files_max_bytes=one.notifications.letter_files_max_bytes,
        connection=one.connection,
    )


WORK: Mapping[TimerKind, Work] = {
    TimerKind.APPROVAL_DELEGATION: _begin_delegation,
    TimerKind.BUNDLE: _send_bundle,
    TimerKind.DIGEST: _send_digest,
    TimerKind.APPROVAL_REMINDER: _send_reminders,
    TimerKind.APPROVAL_DEADLINE: _meet_deadline,
    TimerKind.APPROVAL_FOLLOW: _follow,
}
