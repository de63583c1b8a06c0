"""Makes the messages that tell people of something, of each cause at most one an hour."""

from __future__ import annotations

from collections.abc import Sequence

from postrail import people
from postrail.configuration.models.project import GROUP
from postrail.decision.decision import Notice
from postrail.effects.batch import Context, Work
from postrail.effects.forwarding.letter import queued
from postrail.notifications.fixed_texts import noticed
from postrail.outgoing import notices
from postrail.records import OutgoingQueued
from postrail.tracker.issues import Watcher


async def notices_of(
    context: Context, works: Sequence[Work[Notice]]
) -> list[tuple[Work[Notice], OutgoingQueued]]:
    """Returns a message for the first notice of each cause that is due, with what causes it."""
    first: dict[str, Work[Notice]] = {}
    for work in works:
        first.setdefault(_key(work.effect), work)
    due = await notices.due(context.connection, first, context.now) if first else set()
    made = [(work, await _notice(context, work)) for key, work in first.items() if key in due]
    return [(work, mail) for work, mail in made if mail]


def _key(notice: Notice) -> str:
    return f"{notice.cause} to {notice.to or notice.project}"


async def _notice(context: Context, work: Work[Notice]) -> OutgoingQueued | None:
    notice = work.effect
    cause = f"{work.due.cause} notice {_key(notice)}"
    letter = noticed(notice.cause, notice.text)
    recipients = await _recipients(context, notice)
    return queued(
        context, work.due, cause, recipients, letter, purpose="notice", project=notice.project
    )


async def _recipients(context: Context, notice: Notice) -> list[Watcher]:
    """Returns the address, or the leads and administrators of the project."""
    if notice.to:
        return [Watcher(address=notice.to, name="")]
    project = context.snapshot.projects.get(notice.project)
    if project is None:
        return []
    named = {*project.leads, *project.administrators, project.lead} - {""}
    groups = {one.removeprefix(GROUP) for one in named if one.startswith(GROUP)}
    persons = await people.members(context.connection, named, groups)
    own = context.snapshot.own_addresses
    return [
        Watcher(address=one.address, name=one.name) for one in persons if one.address not in own
    ]
