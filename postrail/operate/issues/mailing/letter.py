"""Finds what a letter to people needs: recipients, files, template and connection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass

from postrail import people
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.configuration.templates.message_template import MessageTemplate
from postrail.database import Connection
from postrail.errors import ConfigurationError, PermanentError
from postrail.issue_queries.contexts import contexts_of
from postrail.message_parts import is_address
from postrail.notifications.audience import by_mail
from postrail.notifications.said import shown_size
from postrail.operate.files.save import chosen_files
from postrail.operate.issues.act import Desk
from postrail.people import Reader
from postrail.rendering.checks import names_any
from postrail.rendering.events import MessageEvent
from postrail.tracker.builtin.fields import read_fields
from postrail.tracker.issues import IndexedIssue, Watcher
from postrail.tracker.watchers import watching
from postrail.views.issue_detail import AttachmentRow, attachments_of

# What may stand in the place of an address.
WATCHERS = "watchers"
ROLES = ("reporter", "assignee", WATCHERS)
RECIPIENTS_MAX = 100


class InvalidLetter(PermanentError):
    """The letter cannot be sent as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """What a person writes from an issue, and to whom."""

    # Addresses, or roles of the issue (`ROLES`).
    to: Sequence[str]
    cc: Sequence[str] = ()
    # With a template: what it shows as `body`.
    text: str = ""
    # The name of a template of the event `manual`; "": the text in the default layout.
    template: str = ""
    # Ids or names of files of the issue.
    files: Sequence[str] = ()
    # Outsiders see neither its comment nor those of its answers, unless they get it.
    internal: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A letter with all that it names."""

    letter: Letter
    sender: OutgoingConnection
    # The name of the context that the issue has; "": none.
    context: str
    to: tuple[Watcher, ...]
    cc: tuple[Watcher, ...]
    # Each gets a copy that names nobody else: people who watch an issue do not know each other.
    watchers: tuple[Watcher, ...]
    files: tuple[AttachmentRow, ...]
    template: MessageTemplate | None
    # The known persons among the recipients, by the address in lower case.
    readers: dict[str, Reader]

    @property
    def recipients(self) -> tuple[Watcher, ...]:
        """Returns all to whom the letter goes."""
        return (*self.to, *self.cc, *self.watchers)


async def prepare(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    issue: IndexedIssue,
    letter: Letter,
    desk: Desk,
    author: str,
) -> Prepared:
    """Returns the letter with all that it names; the role of the watchers leaves out its author.

    Raises InvalidLetter, NoSuchFile, and ConfigurationError where no outgoing connection sends it.
    """
    contexts = await contexts_of(connection, [issue.issue_key], snapshot, desk.now)
    context = contexts.get(issue.issue_key)
    sender = snapshot.connection_for(issue.project, context)
    if sender is None:
        raise ConfigurationError(
            f"no outgoing connection sends the mail of project {issue.project}",
            remedy="Add an outgoing connection, and run: postrail apply",
        )
    template = _template(snapshot, letter.template, issue.project) if letter.template else None
    if template is None and not letter.text.strip():
        raise InvalidLetter("the letter has no text", remedy="Give --text, or --template")
    if template is not None and letter.text.strip() and not _has_place_for_text(template):
        raise InvalidLetter(
            f"template {template.name!r} has no place for --text",
            remedy="Leave out --text, or put {{ body }} into the template (text and html)",
        )
    to = [one async for one in _people(connection, issue, letter.to)]
    cc = [one async for one in _people(connection, issue, letter.cc)]
    to, cc = _checked(to, (), snapshot), _checked(cc, to, snapshot)
    watchers = await _watchers(connection, issue, letter, author, (*to, *cc), snapshot)
    if not to and not (watchers and _names_watchers(letter.to)):
        raise InvalidLetter(
            f"{issue.issue_key} has no {' and no '.join(letter.to)} to write to",
            remedy="Give an address: --to ADDRESS",
        )
    recipients = (*to, *cc, *watchers)
    if len(recipients) > RECIPIENTS_MAX:
        raise InvalidLetter(
            f"the letter has {len(recipients)} recipients, and {RECIPIENTS_MAX} are the most",
            remedy="Send it in parts",
        )
    files = await _files(connection, issue.issue_key, letter.files, desk.letter_files_max_bytes)
    return Prepared(
        letter=letter,
        sender=sender,
        context=context.name if context else "",
        to=tuple(to),
        cc=tuple(cc),
        watchers=tuple(watchers),
        files=files,
        template=template,
        readers=await people.readers(connection, [one.address for one in recipients]),
    )


async def _files(
    connection: Connection, issue_key: str, named: Sequence[str], max_bytes: int
) -> tuple[AttachmentRow, ...]:
    if not named:
        return ()
    _, files = await attachments_of(connection, issue_key)
    chosen = tuple(chosen_files(files, named, issue_key))
    size = sum(one.size for one in chosen)
    if size > max_bytes:
        raise InvalidLetter(
            f"the files of the letter have {shown_size(size)}, and {shown_size(max_bytes)} are the"
            " most (POSTRAIL_NOTIFICATIONS__LETTER_FILES_MAX_BYTES)",
            remedy="Attach fewer files, or send them in several letters",
        )
    return chosen


def _template(snapshot: ConfigurationSnapshot, name: str, project: str) -> MessageTemplate:
    fitting = {
        one.name: one
        for one in snapshot.templates
        if one.enabled and one.event == MessageEvent.MANUAL and one.project in ("", project)
    }
    if name not in fitting:
        known = ", ".join(sorted(fitting)) or "none"
        raise InvalidLetter(
            f"project {project} has no template {name!r} of the event manual",
            remedy=f"Give one of these: {known}; or add one to a file and run: postrail apply",
        )
    return fitting[name]


def _has_place_for_text(template: MessageTemplate) -> bool:
    sources = filter(None, (template.text, template.html))
    return all(names_any(one, ("body", "body_html")) for one in sources)


async def _people(
    connection: Connection, issue: IndexedIssue, named: Iterable[str]
) -> AsyncIterator[Watcher]:
    """Yields who is named, roles by the address for their mail; not the watchers."""
    for one in named:
        if _names_watchers([one]):
            continue
        if one.lower() in ROLES:
            for person in await _with_role(connection, issue, one.lower()):
                yield person
        elif is_address(one.strip()):
            person_row = await people.find(connection, one.strip())
            yield Watcher(address=one.strip(), name=person_row.name if person_row else "")
        else:
            raise InvalidLetter(
                f"{one!r} is no address", remedy=f"Give one, or one of: {', '.join(ROLES)}"
            )


async def _with_role(connection: Connection, issue: IndexedIssue, role: str) -> Iterable[Watcher]:
    fields = await read_fields(connection, issue.issue_key, ())
    return await _by_mail(connection, [fields[role]] if fields[role] else [])


def _names_watchers(named: Iterable[str]) -> bool:
    return WATCHERS in {one.lower() for one in named}


async def _watchers(
    connection: Connection,
    issue: IndexedIssue,
    letter: Letter,
    author: str,
    others: Sequence[Watcher],
    snapshot: ConfigurationSnapshot,
) -> list[Watcher]:
    """Returns the watchers, if the letter names them, except its author, the others and ours."""
    if not _names_watchers((*letter.to, *letter.cc)):
        return []
    apart = await _by_mail(connection, [author] if author else [])
    known = {one.address.lower() for one in (*apart, *others)}
    found = await _by_mail(connection, await watching(connection, issue.issue_id))
    return [
        one
        for one in found
        if one.address.lower() not in known and not snapshot.is_own(one.address.lower())
    ]


async def _by_mail(connection: Connection, found: Sequence[str]) -> Sequence[Watcher]:
    """Returns the people with these addresses, by the address for their mail."""
    persons = await people.by_address(connection, found)
    named = (
        Watcher(address=one, name=persons[one].name if one in persons else "") for one in found
    )
    readers = await people.readers(connection, found)
    return by_mail(named, {address: reader.address for address, reader in readers.items()})


def _checked(
    people_named: Iterable[Watcher], before: Collection[Watcher], snapshot: ConfigurationSnapshot
) -> list[Watcher]:
    """Returns each person once, without those before; raises InvalidLetter for our own address."""
    seen = {one.address.lower() for one in before}
    found = []
    for person in people_named:
        address = person.address.lower()
        if snapshot.is_own(address):
            raise InvalidLetter(
                f"{address} is an address of ours", remedy="Comment on the issue instead"
            )
        if address not in seen:
            found.append(person)
        seen.add(address)
    return found
