"""Takes an approver's answer from a page that shows the request to the holder of its token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from postrail import people
from postrail.approvals import delegations, ledger, store
from postrail.approvals.ledger import Channel, EventKind, NewEvent, details_of
from postrail.approvals.request import (
    Assignment,
    AssignmentState,
    Choice,
    Meaning,
    Request,
    State,
)
from postrail.approvals.token import IN_TEXT, ApprovalToken, is_genuine
from postrail.configuration.load import load_snapshot
from postrail.database import Connection
from postrail.effects.approvals.conclude import take_answer
from postrail.errors import PermanentError
from postrail.notifications.entries import queued_entries
from postrail.operate.issues.act import Desk
from postrail.stream import outbox
from postrail.tracker import issues

COMMENT_MAX_CHARACTERS = 20_000


class TokenUnknown(PermanentError):
    """The token names no request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageAnswer:
    """What a person has chosen on the page of a request.

    Raises PermanentError for a comment that is too long.
    """

    token: str
    # The name of a choice.
    choice: str
    comment: str
    # The one that the person has proven to own.
    address: str

    def __post_init__(self) -> None:
        if len(self.comment) > COMMENT_MAX_CHARACTERS:
            raise PermanentError(
                f"the comment has {len(self.comment):,} characters, and"
                f" {COMMENT_MAX_CHARACTERS:,} are the most",
                remedy="Shorten it",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class AnsweredOnPage:
    """What has become of an answer."""

    key: str
    # Why it decides nothing; "": it counts.
    refused: str
    # Of the request after it, and its choice once it is decided.
    state: State
    choice: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """A request and the part of it that the token names, both as their locks found them."""

    request: Request
    part: Assignment
    # All addresses of the approver.
    addresses: frozenset[str]
    # False: the part is that of a delegate, outside of the dates.
    holds: bool


async def answer_on_page(desk: Desk, given: PageAnswer) -> AnsweredOnPage:
    """Takes the answer, and does what follows from it.

    What does not count is listed with its reason, and decides nothing. Raises TokenUnknown for a
    token that we did not make.
    """
    async with desk.transaction() as connection:
        asked = await _locked(connection, desk, given.token)
        request = asked.request
        chosen = next((one for one in request.choices if one.name == given.choice), None)
        refused = next(_refusals(asked, given, chosen, desk), "")
        if refused or chosen is None:
            event = _event(asked, given, EventKind.REFUSED, desk, reason=refused)
            await ledger.append(connection, [event])
        else:
            request = await _take(connection, desk, asked, given)
    return AnsweredOnPage(
        key=request.key, refused=refused, state=request.state, choice=request.choice
    )


async def _locked(connection: Connection, desk: Desk, token: str) -> _Asked:
    """Locks the request of the token, and before it its issue, against deadlocks."""
    named = _token(token)
    part = (await store.assignment(connection, [named.assignment_id])).get(named.assignment_id)
    if part is None or not is_genuine(named, desk.message_id_key, part.request_id, part.address):
        raise _unknown()
    request = (await store.by_id(connection, [part.request_id]))[part.request_id]
    if request.issue_id is not None:
        await issues.lock(connection, [request.issue_id])
    request = (await store.lock(connection, [part.request_id]))[part.request_id]
    parts = (await store.assignments(connection, [part.request_id]))[part.request_id]
    part = next(one for one in parts if one.assignment_id == part.assignment_id)
    person = await people.find(connection, part.address)
    known = person.addresses if person and person.active else () if person else (part.address,)
    return _Asked(
        request=request,
        part=part,
        addresses=frozenset(known),
        holds=await _holds(connection, part, desk),
    )


def _token(text: str) -> ApprovalToken:
    found = IN_TEXT.fullmatch(text.strip())
    if found is None:
        raise _unknown()
    return ApprovalToken(assignment_id=int(found["assignment_id"]), proof=found["proof"].lower())


def _unknown() -> TokenUnknown:
    return TokenUnknown(
        "the link is not one that Postrail has made", remedy="Open the link in your message again"
    )


async def _holds(connection: Connection, part: Assignment, desk: Desk) -> bool:
    if part.delegation_id is None:
        return True
    found = await delegations.by_id(connection, [part.delegation_id])
    return found[part.delegation_id].holds(desk.now)


def _refusals(asked: _Asked, given: PageAnswer, chosen: Choice | None, desk: Desk) -> Iterator[str]:
    """Yields the reasons for which the answer decides nothing."""
    request, part = asked.request, asked.part
    if given.address.strip().lower() not in asked.addresses:
        yield f"{given.address} is not an address of the approver"
    if not asked.holds:
        yield f"{part.address} answers for {part.answers_for} at another time"
    if part.state is AssignmentState.ANSWERED:
        yield f"{part.address} has answered {request.key} before"
    if request.state is not State.OPEN:
        yield f"{request.key} is {request.state} already"
    if part.state is AssignmentState.CLOSED:
        yield f"{part.address} is no longer asked: {part.closed_because}"
    if part.state is AssignmentState.PLANNED:
        yield f"{part.address} is not asked yet"
    if request.deadline is not None and desk.now >= request.deadline:
        yield "it came after the deadline"
    if chosen is None:
        yield f"{request.key} has no choice {given.choice!r}"
    elif (
        chosen.meaning is Meaning.REJECT and request.comment_required and not given.comment.strip()
    ):
        yield "a rejection needs a comment"


async def _take(connection: Connection, desk: Desk, asked: _Asked, given: PageAnswer) -> Request:
    """Stores the answer, and returns the request as it is after what follows from it."""
    concluded = await take_answer(
        connection,
        await load_snapshot(connection),
        asked.request,
        _event(asked, given, EventKind.ANSWERED, desk),
        desk.message_id_key,
        desk.now,
    )
    entries = [*concluded.entries, *queued_entries(concluded.mails)]
    await outbox.add(connection, entries, desk.now)
    return concluded.request


def _event(
    asked: _Asked, given: PageAnswer, kind: EventKind, desk: Desk, *, reason: str = ""
) -> NewEvent:
    return NewEvent(
        request_id=asked.request.request_id,
        assignment_id=asked.part.assignment_id,
        happened_at=desk.now,
        kind=kind,
        actor=given.address.strip().lower(),
        channel=Channel.PAGE,
        choice=given.choice if kind is EventKind.ANSWERED else "",
        comment=given.comment.strip(),
        reason=reason,
        details=details_of(address=asked.part.address, answers_for=asked.part.answers_for),
    )
