"""Applies the decisions of a batch in one transaction: effects, outcomes, outbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from postrail.configuration.load import with_held_projects
from postrail.decision import trace
from postrail.decision.approvals.effects import AnswerRequest, RefuseAnswer
from postrail.decision.approvals.request import RequestApproval
from postrail.decision.decision import (
    AddComment,
    CreateIssue,
    CreatePerson,
    DeleteBody,
    Effect,
    Forward,
    MarkDelivery,
    NoteAddress,
    Notice,
    Notify,
    Outcome,
    Reply,
    Suppress,
    Unsubscribe,
)
from postrail.effects.add_comment import add_comments
from postrail.effects.approvals.answers import answer_requests, refuse_answers
from postrail.effects.approvals.request import request_approvals
from postrail.effects.batch import Context, Decided, Made, Work
from postrail.effects.create_issue import create_issues
from postrail.effects.create_person import create_persons
from postrail.effects.delete_body import delete_bodies
from postrail.effects.deliveries.mark import mark_deliveries, suppress_addresses
from postrail.effects.forwarding.brake import Caused, held_above_limit
from postrail.effects.forwarding.forward import forward_mails, notify_of_mails
from postrail.effects.forwarding.notice import notices_of
from postrail.effects.forwarding.reply import send_replies
from postrail.effects.note_address import note_addresses
from postrail.effects.notify import notify
from postrail.effects.records.handled import Handled, effects_made, handled_record, outgoing_ids
from postrail.effects.records.moved_ids import moved_ids
from postrail.effects.unsubscribe import unsubscribe
from postrail.incoming import queue as incoming
from postrail.incoming.queue import FinishedMail
from postrail.incoming.splits.own_ids import move_ids
from postrail.notifications.entries import queued_entries
from postrail.outgoing import intake as outgoing
from postrail.records import MailHandled, OutgoingQueued
from postrail.stream import avro, outbox
from postrail.stream.producer import Entry
from postrail.stream.topics import MAIL_HANDLED

# The states of messages that a person must look at; all other outcomes are done.
STATES = {Outcome.FAILED: "failed", Outcome.QUARANTINED: "quarantined"}
Applier = Callable[[Context, Sequence[Work[Any]]], Awaitable[list[Made]]]
Mailer = Callable[[Context, Sequence[Work[Any]]], Awaitable[list[Caused]]]

# One applier or mailer for each member of Effect, applied in this order.
APPLIERS: dict[type[Effect], Applier] = {
    CreatePerson: create_persons,
    CreateIssue: create_issues,
    AddComment: add_comments,
    NoteAddress: note_addresses,
    MarkDelivery: mark_deliveries,
    Suppress: suppress_addresses,
    Unsubscribe: unsubscribe,
    DeleteBody: delete_bodies,
}
# Applied after all others, and after the mailers: they hold the end of the ledger of approvals, and
# whoever holds it must wait for nobody.
LAST_APPLIERS: dict[type[Effect], Applier] = {
    AnswerRequest: answer_requests,
    RefuseAnswer: refuse_answers,
}
# What is sent about no issue.
MAILERS: dict[type[Effect], Mailer] = {
    Forward: forward_mails,
    Notify: notify_of_mails,
    Reply: send_replies,
    Notice: notices_of,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """The messages of a batch, and the outbox rows to send once the transaction is committed."""

    handled: list[Handled]
    outbox: outbox.Added


async def apply(context: Context, batch: Sequence[Decided]) -> Applied:
    """Applies the effects, and writes the outcomes and the outbox, on the caller's connection.

    Leaves out a message that another process has finished in the meantime. The caller must hold the
    locks of the rows of all messages that have effects.
    """
    works = _works(batch)
    context = await _holding(context, works)
    made = await _made(APPLIERS, context, works)
    await move_ids(context.connection, moved_ids(batch, context.snapshot))
    told = [part for one in made for part in (one.announcement, one.assignment, *one.further)]
    announcements = [announcement for announcement in told if announcement]
    mails = await notify(
        context.connection, announcements, context.notification_options, context.now
    )
    by_mail = {one.mail_id: one for one in made if one.issue}
    handled = [_handled(one, by_mail.get(one.due.mail.mail_id)) for one in batch]
    mails += await _send(context, works, made, handled)
    answers = await _made(LAST_APPLIERS, context, works)
    mails += [mail for one in answers for mail in one.stored]
    letters = [one.letter for one in answers if one.letter]
    await outgoing.store(context.connection, letters)
    mails += [*letters, *await _asked(context, works, handled)]
    records = _records(handled, mails, context)
    rows = [_finished(one, record) for one, record in zip(handled, records, strict=True)]
    written = await incoming.finish(context.connection, rows, context.now)
    handled = [one for one in handled if one.decided.due.mail.mail_id in written]
    entries = [*_entries(records, written), *queued_entries(mails)]
    entries += [entry for one in answers for entry in one.entries]
    added = await outbox.add(context.connection, entries, context.now)
    return Applied(handled=handled, outbox=added)


async def _made(
    appliers: Mapping[type[Effect], Applier],
    context: Context,
    works: Mapping[type[Effect], Sequence[Work[Any]]],
) -> list[Made]:
    return [
        one
        for kind, applier in appliers.items()
        if kind in works
        for one in await applier(context, works[kind])
    ]


async def _holding(context: Context, works: Mapping[type[Effect], Sequence[Work[Any]]]) -> Context:
    """Holds the projects whose issues are made or get other values, unless `create_issues` does.

    Projects are held once, all together, before persons, numbers and issues are locked: `apply`
    locks projects, and then the persons.
    """
    created = {work.effect.project for work in works.get(CreateIssue, ())}
    changed = {
        work.effect.issue.project
        for work in works.get(AddComment, ())
        if work.effect.commands or work.effect.reopens
    }
    keys = created | changed
    if not keys or not (changed or CreatePerson in works):
        return context
    snapshot = await with_held_projects(context.connection, context.snapshot, keys)
    return replace(context, snapshot=snapshot)


def _works(batch: Sequence[Decided]) -> dict[type[Effect], list[Work[Any]]]:
    """Returns the effects by kind; raises ValueError for an unknown kind, so that none is lost."""
    works: dict[type[Effect], list[Work[Any]]] = {}
    for one in batch:
        for effect in one.decision.effects:
            works.setdefault(type(effect), []).append(Work(one.due, effect))
    known = {*APPLIERS, *MAILERS, *LAST_APPLIERS, RequestApproval}
    if unknown := works.keys() - known:
        raise ValueError(f"no applier for {unknown}")
    return works


async def _send(
    context: Context,
    works: Mapping[type[Effect], Sequence[Work[Any]]],
    made: Sequence[Made],
    handled: Sequence[Handled],
) -> list[OutgoingQueued]:
    """Stores what is sent about no issue, after all locks of issues are taken.

    The notices of all effects come before those of the brake, and so do their locks: two replicas
    never wait for each other.
    """
    results = _by_mail(handled)
    caused = [
        one
        for kind, mailer in MAILERS.items()
        if works.get(kind)
        for one in await mailer(context, [_with_result(work, results) for work in works[kind]])
    ]
    sent = [one.letter for one in made if one.letter]
    sent += await held_above_limit(context, caused)
    await outgoing.store(context.connection, sent)
    return sent


async def _asked(
    context: Context,
    works: Mapping[type[Effect], Sequence[Work[Any]]],
    handled: Sequence[Handled],
) -> list[OutgoingQueued]:
    """Makes the requests for approvals, and returns the messages that ask."""
    results = _by_mail(handled)
    asked = [_with_result(work, results) for work in works.get(RequestApproval, ())]
    return await request_approvals(context, asked)


def _by_mail(handled: Sequence[Handled]) -> dict[str, Handled]:
    return {one.decided.due.mail.mail_id: one for one in handled}


def _with_result(work: Work[Any], results: Mapping[str, Handled]) -> Work[Any]:
    result = results[work.due.mail.mail_id]
    return replace(work, outcome=result.decided.decision.outcome, issue=result.issue)


def _handled(decided: Decided, made: Made | None) -> Handled:
    if made is None:
        return Handled(decided=decided, issue=decided.decision.issue, comment_id=None)
    return Handled(decided=decided, issue=made.issue, comment_id=made.comment_id)


def _finished(one: Handled, record: MailHandled) -> FinishedMail:
    decision, mail = one.decided.decision, one.decided.due.mail
    return FinishedMail(
        mail_id=mail.mail_id,
        state=STATES.get(decision.outcome, "done"),
        outcome=decision.outcome,
        reason=decision.reason,
        issue_id=one.issue.issue_id if one.issue else None,
        issue_key=one.issue_key,
        comment_id=one.comment_id,
        trace=trace.to_json(replace(decision.trace, effects=effects_made(record)))
        if decision.trace
        else {"kind": mail.kind, "kind_reason": mail.kind_reason},
    )


def _records(
    handled: Sequence[Handled], mails: Sequence[OutgoingQueued], context: Context
) -> list[MailHandled]:
    sent = outgoing_ids(mails)
    return [handled_record(one, sent.get(one.decided.due.cause, ()), context) for one in handled]


def _entries(records: Sequence[MailHandled], written: Collection[str]) -> list[Entry]:
    return [
        Entry(MAIL_HANDLED, record.mailbox, avro.encode(record))
        for record in records
        if record.mail_id in written
    ]
