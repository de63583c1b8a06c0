"""Says before a letter is sent what may keep it from its recipients, or should not be in it."""

from __future__ import annotations

from collections.abc import Iterator

from postrail import people
from postrail.configuration.load import load_snapshot
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.mentions import is_insider
from postrail.notifications.mime.parts import encoded_size
from postrail.notifications.said import shown_size
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.mailing.letter import Letter, Prepared, prepare
from postrail.outgoing.suppressions import suppressed
from postrail.tracker import issue_not_found, issues
from postrail.tracker.builtin.comments import internal_among
from postrail.tracker.builtin.fields import read_fields
from postrail.tracker.issues import IndexedIssue
from postrail.tracker.watchers import watching
from postrail.workflow.roles import role_of

# Of the header, the layout and the borders between the parts.
FRAME_BYTES = 16 * 1024


async def warnings_of(desk: Desk, actor: Actor, issue_key: str, letter: Letter) -> list[str]:
    """Returns what to tell the author before the letter is sent, each as a sentence.

    Raises IssueNotFound, and as `prepare` does.
    """
    async with desk.transaction() as connection:
        issue = (await issues.by_key(connection, [issue_key])).get(issue_key)
        if issue is None:
            raise issue_not_found(issue_key)
        snapshot = await load_snapshot(connection)
        prepared = await prepare(
            connection,
            snapshot,
            issue,
            letter,
            desk,
            actor.address,
        )
        return [
            *await _of_addresses(connection, prepared),
            *await _of_outsiders(connection, snapshot, issue, prepared),
            *await _of_internal_files(connection, prepared),
            *_of_size(snapshot, prepared),
        ]


async def _of_addresses(connection: Connection, prepared: Prepared) -> list[str]:
    addresses = [one.address for one in prepared.recipients]
    return [
        f"{address} is suppressed, as mail to it came back: its message is held until"
        f" you run: postrail outgoing suppressed release {address} --send-held"
        for address in await suppressed(connection, addresses)
    ]


async def _of_outsiders(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    issue: IndexedIssue,
    prepared: Prepared,
) -> list[str]:
    """Names the people of the issue who see none of its internal comments, and would get this one.

    Others, such as a supplier, are whom internal letters are for.
    """
    if not prepared.letter.internal:
        return []
    fields = await read_fields(connection, issue.issue_key, ())
    involved = {fields["reporter"], *await watching(connection, issue.issue_id)}
    persons = await people.by_address(connection, [one.address for one in prepared.recipients])
    found = []
    for one in prepared.recipients:
        person = persons.get(one.address.lower())
        own = {one.address.lower(), *(person.addresses if person else ())}
        role = role_of(snapshot.projects[issue.project], person)
        if own & involved and not is_insider(role):
            found.append(one.address)
    return [
        f"{address} sees no internal comments of {issue.issue_key}, and would get this one."
        for address in found
    ]


async def _of_internal_files(connection: Connection, prepared: Prepared) -> list[str]:
    ids = [one.comment_id for one in prepared.files if one.comment_id is not None]
    internal = await internal_among(connection, ids) if ids else set()
    return [
        f"The file {one.name} is of an internal comment."
        for one in prepared.files
        if one.comment_id in internal
    ]


def _of_size(snapshot: ConfigurationSnapshot, prepared: Prepared) -> list[str]:
    size = message_size(prepared)
    way = list(_way(snapshot, prepared.sender))
    if not way[0].max_bytes or size <= way[0].max_bytes:
        return []
    problem = (
        f"The message has about {shown_size(size)} with its files, and connection {way[0].name}"
        f" takes {shown_size(way[0].max_bytes)} at most"
    )
    larger = (one for one in way[1:] if not one.max_bytes or size <= one.max_bytes)
    if (fallback := next(larger, None)) is not None:
        return [f"{problem}: it will go over {fallback.name}."]
    return [f"{problem}: it will not be sent. Attach fewer files."]


def message_size(prepared: Prepared) -> int:
    """Returns about how many bytes the message to one recipient has."""
    texts = 2 * len(prepared.letter.text.encode())
    return FRAME_BYTES + texts + sum(encoded_size(one.size) for one in prepared.files)


def _way(
    snapshot: ConfigurationSnapshot, sender: OutgoingConnection
) -> Iterator[OutgoingConnection]:
    """Yields the connection, and the enabled fallbacks that take over what is too large for it."""
    seen: set[str] = set()
    following: OutgoingConnection | None = sender
    while following is not None and following.name not in seen:
        seen.add(following.name)
        if following is sender or following.enabled:
            yield following
        following = snapshot.connections.get(following.fallback)
