"""Makes the record of a handled message: its outcome, and each effect with its ids. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.decision import release as releases
from postrail.decision.approvals.effects import AnswerRequest, RefuseAnswer
from postrail.decision.decision import (
    AddComment,
    CreateIssue,
    CreatePerson,
    Effect,
    Forward,
    MarkDelivery,
    NoteAddress,
    Notice,
    Notify,
    Suppress,
    Unsubscribe,
)
from postrail.decision.facts import IssueRef
from postrail.effects.batch import Context, Decided
from postrail.effects.involvement import author_of
from postrail.message_parts import AppliedEffect, ReleaseOrder
from postrail.records import MailHandled, OutgoingQueued


@dataclass(frozen=True, kw_only=True, slots=True)
class Handled:
    """A message with its decision, the issue that it concerns, and the comment that it made."""

    decided: Decided
    issue: IssueRef | None
    comment_id: int | None

    @property
    def issue_key(self) -> str | None:
        """Returns the key of the issue."""
        return self.issue.issue_key if self.issue else None


def outgoing_ids(mails: Iterable[OutgoingQueued]) -> Mapping[str, Sequence[str]]:
    """Returns the ids of outgoing messages by the cause of the incoming ones (`DueMail.cause`)."""
    found = defaultdict(list)
    for mail in mails:
        # "mail 3f… revision 1", and what it was about.
        found[" ".join(mail.cause.split(" ")[:4])].append(mail.outgoing_id)
    return found


def handled_record(one: Handled, outgoing: Sequence[str], context: Context) -> MailHandled:
    """Returns the record: all that the database knows of the message's outcome and effects."""
    due, decision = one.decided.due, one.decided.decision
    return MailHandled(
        mail_id=due.mail.mail_id,
        mailbox=due.mail.mailbox,
        revision=due.revision + 1,
        outcome=decision.outcome,
        reason=decision.reason,
        project=one.issue.project if one.issue else None,
        issue_key=one.issue_key,
        comment_id=one.comment_id,
        handled_at=context.now,
        issue_id=one.issue.issue_id if one.issue else None,
        conversation=due.conversation,
        queue=due.queue,
        arrival=due.arrival,
        first_handled_at=due.own_time,
        change_id=decision.trace.change_id if decision.trace else None,
        held_by=decision.held_by,
        release=_order(due.release),
        effects=[_applied(effect, one, context) for effect in decision.effects],
        outgoing_ids=list(outgoing),
    )


def effects_made(record: MailHandled) -> tuple[tuple[str, ...], ...]:
    """Returns the effects as a trace has them: each a kind with its keys, ids and addresses."""
    made = (
        (
            one.kind,
            one.issue_key,
            one.comment_id,
            one.address,
            one.outgoing_id,
            one.request_id,
            one.event,
        )
        for one in record.effects
    )
    sent = (("outgoing", outgoing_id) for outgoing_id in record.outgoing_ids)
    return tuple(tuple(str(part) for part in one if part) for one in [*made, *sent])


def _order(stored: Mapping[str, str] | None) -> ReleaseOrder | None:
    release = releases.from_json(stored)
    if stored is None or release is None:
        return None
    return ReleaseOrder(
        ordered_by=stored["by"],
        ordered_at=datetime.fromisoformat(stored["at"]),
        as_handler=release.as_handler,
        skips=list(release.skips),
    )


def _applied(effect: Effect, one: Handled, context: Context) -> AppliedEffect:
    kind = _kind(effect)
    match effect:
        case CreateIssue():
            joins = not effect.own_conversation
            return _on(one.issue, kind, linked=effect.linked_to, joins=joins)
        case AddComment():
            links = None if effect.outsider else effect.links
            return _on(
                effect.issue,
                kind,
                comment_id=one.comment_id,
                linked=links,
                joins=effect.joins_conversation,
            )
        case NoteAddress():
            return _on(effect.issue, kind, address=effect.address)
        case CreatePerson():
            author = author_of(one.decided.due.mail, context.snapshot)
            return AppliedEffect(kind=kind, address=author.address)
        case MarkDelivery():
            return AppliedEffect(
                kind=kind,
                address=effect.recipient,
                outgoing_id=effect.outgoing_id,
                event=effect.event,
            )
        case Unsubscribe():
            return _on(effect.issue, kind, address=effect.addresses[0])
        case Suppress():
            return AppliedEffect(kind=kind, address=effect.address)
        case AnswerRequest() | RefuseAnswer():
            event = effect.choice if isinstance(effect, AnswerRequest) else effect.why
            return AppliedEffect(kind=kind, request_id=effect.request_id, event=event)
        case Forward() | Notify() | Notice():
            return AppliedEffect(kind=kind, address=effect.to)
        case _:
            return AppliedEffect(kind=kind)


def _kind(effect: Effect) -> str:
    """Returns the name of an effect's kind: create_issue for CreateIssue."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(effect).__name__).lower()


def _on(
    issue: IssueRef | None,
    kind: str,
    *,
    comment_id: int | None = None,
    address: str = "",
    linked: IssueRef | None = None,
    joins: bool = False,
) -> AppliedEffect:
    return AppliedEffect(
        kind=kind,
        issue_id=issue.issue_id if issue else None,
        issue_key=issue.issue_key if issue else None,
        comment_id=comment_id,
        address=address,
        linked_key=linked.issue_key if linked else None,
        joins_conversation=joins,
    )
