"""Applies AnswerRequest and RefuseAnswer: answers of approvers, and those that decide nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from postrail.approvals import ledger, store
from postrail.approvals.ledger import Channel, EventKind, NewEvent, details_of
from postrail.decision.approvals.effects import AnswerRequest, RefuseAnswer
from postrail.effects.approvals.conclude import take_answer
from postrail.effects.approvals.help import help_mail
from postrail.effects.batch import Context, Made, Work
from postrail.notifications.addresses import compared_address


async def answer_requests(context: Context, works: Sequence[Work[AnswerRequest]]) -> list[Made]:
    """Stores each answer and does what follows from it.

    The requests have been locked since their facts were read.
    """
    return [await _answer(context, work) for work in works]


async def _answer(context: Context, work: Work[AnswerRequest]) -> Made:
    connection, effect, mail = context.connection, work.effect, work.due.mail
    request = (await store.lock(connection, [effect.request_id]))[effect.request_id]
    event = replace(
        _event(context, work),
        kind=EventKind.ANSWERED,
        verdict=f"{effect.verdict}: {effect.verdict_reason}",
        choice=effect.choice,
        comment=effect.comment,
    )
    concluded = await take_answer(
        connection, context.snapshot, request, event, context.message_id_key, context.now
    )
    return Made(
        mail_id=mail.mail_id,
        issue=None,
        stored=tuple(concluded.mails),
        entries=tuple(concluded.entries),
    )


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
