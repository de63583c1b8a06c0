"""Lists the timed work of the handler: it tells people of what they have waited for.

It is the handler's, because it needs the configuration, the people and the templates as the effects
of messages do.
"""

from __future__ import annotations

from collections.abc import Mapping

from postrail.effects.bundles.digest import send_digest
from postrail.effects.bundles.send import send_due
from postrail.effects.bundles.wait import issue_of, recipient_of
from postrail.records import OutgoingQueued
from postrail.timed_work.worker import Occasion, Work
from postrail.timers.queue import TimerKind


async def _send_bundle(one: Occasion) -> list[OutgoingQueued]:
    return await send_due(one.connection, issue_of(one.timer.key), one.snapshot, one.now)


async def _send_digest(one: Occasion) -> list[OutgoingQueued]:
    key, recipient = one.timer.key, recipient_of(one.timer.key)
    return await send_digest(
        one.connection, issue_of(key), recipient, one.snapshot, one.message_id_key, one.now
    )


WORK: Mapping[TimerKind, Work] = {
    TimerKind.BUNDLE: _send_bundle,
    TimerKind.DIGEST: _send_digest,
}
