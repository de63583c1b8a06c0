"""Makes the messages about a request, from what the database and the configuration say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from postrail import people
from postrail.approvals import store
from postrail.approvals.request import Assignment, AssignmentState, ClosedBecause, Request
from postrail.approvals.token import reply_address, token_for
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.notifications.approvals.compose import Letter, composed
from postrail.notifications.approvals.letter import About, Approver
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.templates.words import Words
from postrail.observe.log import log
from postrail.people import Reader
from postrail.records import OutgoingQueued
from postrail.rendering.events import MessageEvent
from postrail.tracker import issues
from postrail.tracker.issues import Watcher

logger = log(__name__)

# Other people are asked instead of those whose part was closed so.
REPLACED = (ClosedBecause.REASSIGNED, ClosedBecause.ESCALATED, ClosedBecause.DELEGATION_ENDED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Letters:
    """Makes the messages about one request; `key` signs their tokens and Message-IDs."""

    about: About
    setup: ApprovalSetup
    snapshot: ConfigurationSnapshot
    over: OutgoingConnection
    # By address in lower case.
    readers: Mapping[str, Reader]
    key: bytes
    now: datetime

    def approver(self, assignment: Assignment) -> Approver:
        """Returns the approver with the token that the answer must have, and where it goes."""
        token = token_for(
            self.key, assignment.assignment_id, assignment.request_id, assignment.address
        )
        address = self.snapshot.reply_address_of(self.setup)
        # A group's address takes no extensions, whatever the mailboxes of its members do.
        account = self.snapshot.accounts.get(self.setup.account)
        if account and account.plus_addresses and account.address.lower() == address.lower():
            address = reply_address(address, token)
        reader = self.readers.get(assignment.address.lower())
        return Approver(
            assignment=assignment,
            token=token,
            reply_to=address,
            time_zone=reader.time_zone if reader else "",
        )

    def letter(
        self,
        person: Watcher,
        event: MessageEvent,
        name: str,
        words_in: Callable[[Phrases], Words],
    ) -> Letter:
        """Returns a message to a person, in their language or in the setup's.

        Its address is that for the person's mail: "" for somebody who is not active.
        """
        reader = self.readers.get(person.address.lower())
        return Letter(
            name=f"approval {self.about.request.request_id} {name}",
            event=event,
            words_in=words_in,
            to=replace(person, address=reader.address) if reader else person,
            language=(reader.language if reader else "") or self.setup.language,
            time_zone=reader.time_zone if reader else "",
        )

    def letter_to(
        self,
        approver: Approver,
        event: MessageEvent,
        name: str,
        words_in: Callable[[Phrases], Words],
    ) -> Letter:
        """Returns a message to an approver, below the one that asked, which may be answered."""
        assignment = approver.assignment
        person = Watcher(address=assignment.address, name=assignment.name)
        letter = self.letter(person, event, f"{name} {assignment.assignment_id}", words_in)
        return replace(
            letter,
            references=[assignment.message_id] if assignment.message_id else [],
            reply_to=approver.reply_to,
            token=approver.token,
        )

    def made(self, letter: Letter) -> OutgoingQueued | None:
        """Returns the message; None for a person who is not active."""
        request = self.about.request
        if not letter.to.address:
            logger.warning("a message is not sent", cause=letter.name, missing="recipients")
            return None
        return composed(letter, request.request_id, self.snapshot, self.over, self.key, self.now)


async def letters_of(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    request: Request,
    addresses: Iterable[str],
    key: bytes,
    now: datetime,
) -> Letters | None:
    """Returns what makes the messages to these people; None without setup or connection."""
    setup = snapshot.approval_setups.get(request.setup)
    over = snapshot.connection_of_setup(setup) if setup else None
    if setup is None or over is None:
        missing = "outgoing connection" if setup else f"approval setup {request.setup}"
        logger.warning("a message is not sent", cause=request.key, missing=missing)
        return None
    parts = await store.assignments(connection, [request.request_id])
    return Letters(
        about=About(
            request=request,
            issue_key=await _issue_key(connection, request.issue_id),
            places=places_of(parts[request.request_id]),
            own_words=setup.words,
            page_url=setup.page_url,
        ),
        setup=setup,
        snapshot=snapshot,
        over=over,
        readers=await people.readers(connection, filter(None, addresses)),
        key=key,
        now=now,
    )


def places_of(assignments: Sequence[Assignment]) -> int:
    """Returns how many people's answers may count: a delegate shares the delegator's place."""
    return len(
        {
            one.place
            for one in assignments
            if one.state is not AssignmentState.CLOSED or one.closed_because not in REPLACED
        }
    )


async def _issue_key(connection: Connection, issue_id: int | None) -> str:
    if issue_id is None:
        return ""
    found = await issues.by_id(connection, [issue_id])
    return found[issue_id].issue_key if issue_id in found else ""
