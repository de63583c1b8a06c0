"""Applies AnswerRequest and RefuseAnswer: answers of approvers, and those that decide nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from postrail.approvals import ledger, store
from postrail.approvals.ledger import Channel, EventKind, NewEvent, details_of
from postrail.approvals.request import Assignment, ClosedBecause
from postrail.decision.approvals.effects import AnswerRequest, RefuseAnswer
from postrail.effects.approvals.conclude import conclude
from postrail.effects.approvals.help import help_mail
from postrail.effects.batch import Context, Made, Work
from postrail.errors import TransientError
from postrail.notifications.addresses import compared_address


async def answer_requests(context: Context, works: Sequence[Work[AnswerRequest]]) -> list[Made]:
    """Stores each answer and does what follows from it.

    The requests have been locked since their facts were read.
    """
    return [await _answer(context, work) for work in works]


async def _answer(context: Context, work: Work[AnswerRequest]) -> Made:
    connection, effect, mail = context.connection, work.effect, work.due.mail
    request = (await store.lock(connection, [effect.request_id]))[effect.request_id]
    stored = await store.answered(
        connection,
        effect.assignment_id,
        choice=effect.choice,
        comment=effect.comment,
        mail_id=mail.mail_id,
        now=context.now,
    )
    if not stored:
        raise TransientError(f"{request.key} has changed since the facts of the answer were read")
    parts = (await store.assignments(connection, [request.request_id]))[request.request_id]
    part = next(one for one in parts if one.assignment_id == effect.assignment_id)
    await _close_place(context, part, parts)
    event = replace(
        _event(context, work),
        kind=EventKind.ANSWERED,
        verdict=f"{effect.verdict}: {effect.verdict_reason}",
        choice=effect.choice,
        comment=effect.comment,
        details=details_of(address=part.address, answers_for=part.answers_for),
    )
    concluded = await conclude(
        connection, context.snapshot, request, [event], context.message_id_key, context.now
    )
    return Made(
        mail_id=mail.mail_id,
        issue=None,
        stored=tuple(concluded.mails),
        entries=tuple(concluded.entries),
    )


async def _close_place(context: Context, part: Assignment, parts: Sequence[Assignment]) -> None:
    """Asks the others no longer who could have answered in the same place."""
    others = [
        one.assignment_id
        for one in parts
        if one.place == part.place and one.assignment_id != part.assignment_id
    ]
    await store.close_assignments(context.connection, others, ClosedBecause.ANSWERED_FOR)


async def refuse_answers(context: Context, works: Sequence[Work[RefuseAnswer]]) -> list[Made]:
    """Lists each answer that decides nothing, and tells its author why where the effect says so."""
    made = []
    for work in works:
        letter = await help_mail(context, work) if work.effect.helps else None
        event = replace(
            _event(context, work),
            kind=EventKind.REFUSED,
            reason=work.effect.text,
            answered=letter is not None,
            details=details_of(why=work.effect.why.value),
        )
        await ledger.append(context.connection, [event])
        made.append(Made(mail_id=work.due.mail.mail_id, issue=None, letter=letter))
    return made


def _event(context: Context, work: Work[AnswerRequest] | Work[RefuseAnswer]) -> NewEvent:
    mail = work.due.mail
    return NewEvent(
        request_id=work.effect.request_id,
        assignment_id=work.effect.assignment_id,
        happened_at=context.now,
        kind=EventKind.REFUSED,
        actor=compared_address(mail.sender.address) if mail.sender else "",
        channel=Channel.MAIL,
        mail_id=mail.mail_id,
        mail_hash=mail.fingerprint,
    )
