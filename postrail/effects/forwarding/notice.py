"""Makes the messages that tell people of something, of each cause at most one an hour."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from postrail import people
from postrail.configuration.models.project import GROUP, Project
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.decision import Notice
from postrail.effects.batch import Context, Work
from postrail.effects.forwarding.letter import connection_of, queued
from postrail.notifications.fixed_texts import noticed
from postrail.observe.log import log
from postrail.outgoing import notices
from postrail.records import OutgoingQueued
from postrail.tracker.issues import Watcher

logger = log(__name__)


async def notices_of(
    context: Context, works: Sequence[Work[Notice]]
) -> list[tuple[Work[Notice], OutgoingQueued]]:
    """Returns a message for the first notice of each cause that is due, with what causes it.

    A notice that nobody would get is not counted as sent; the log says so as often.
    """
    first: dict[str, Work[Notice]] = {}
    for work in works:
        first.setdefault(_key(work.effect), work)
    found = {key: (work, await _recipients(context, work)) for key, work in first.items()}
    reached = {key: (work, to) for key, (work, to) in found.items() if to}
    await _warn(context, [key for key in found if key not in reached])
    due = await notices.due(context.connection, reached, context.now) if reached else set()
    made = [(work, _notice(context, work, to)) for key, (work, to) in reached.items() if key in due]
    return [(work, mail) for work, mail in made if mail]


async def _warn(context: Context, keys: Sequence[str]) -> None:
    causes = {f"nobody is told: {key}": key for key in keys}
    due = await notices.due(context.connection, causes, context.now) if causes else set()
    for cause in due:
        logger.warning("a notice has no recipients", cause=causes.get(cause, cause))


def _key(notice: Notice) -> str:
    return f"{notice.cause} to {notice.to}" if notice.to else f"{notice.cause} in {notice.project}"


def _notice(context: Context, work: Work[Notice], to: Sequence[Watcher]) -> OutgoingQueued | None:
    key, project = _key(work.effect), work.effect.project
    letter = partial(noticed, key, work.effect.text)
    cause = f"{work.due.cause} notice {key}"
    return queued(context, work.due, cause, to, letter, purpose="notice", project=project)


async def _recipients(context: Context, work: Work[Notice]) -> list[Watcher]:
    """Returns the address, or the people of the project; nobody without outgoing connection."""
    notice, snapshot, mailbox = work.effect, context.snapshot, work.due.mail.mailbox
    if connection_of(snapshot, mailbox, notice.project) is None:
        return []
    if notice.to:
        return [Watcher(address=notice.to, name="")]
    return await people_told(context.connection, snapshot, notice.project, mailbox)


async def people_told(
    connection: Connection, snapshot: ConfigurationSnapshot, project_key: str, mailbox: str
) -> list[Watcher]:
    """Returns who is told of what is held in a project.

    These are its leads and administrators; without any, the person whom its new issues are assigned
    to; else the first `forward_address` of the mail handlers of the mailbox.
    """
    project = snapshot.projects.get(project_key)
    for named in _named(project) if project else ():
        found = await _persons(connection, snapshot, named)
        if found:
            return found
    handlers = snapshot.enabled_handlers_of(mailbox)
    addresses = (one.forward_address for one in handlers if one.forward_address)
    return [Watcher(address=one, name="") for one in addresses if not snapshot.is_own(one)][:1]


def _named(project: Project) -> tuple[set[str], set[str]]:
    leads = {*project.leads, *project.administrators, project.lead}
    return leads - {""}, {project.own_assignee or ""} - {""}


async def _persons(
    connection: Connection, snapshot: ConfigurationSnapshot, named: set[str]
) -> list[Watcher]:
    """Returns the active persons with these addresses, or in these groups."""
    if not named:
        return []
    groups = {one.removeprefix(GROUP) for one in named if one.startswith(GROUP)}
    persons = await people.members(connection, named, groups)
    own = snapshot.own_addresses
    return [
        Watcher(address=one.address, name=one.name) for one in persons if one.address not in own
    ]
