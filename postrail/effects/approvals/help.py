"""Makes the answer to a person whose reply to a request has decided nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from postrail.approvals import store
from postrail.decision.approvals.effects import RefuseAnswer
from postrail.decision.approvals.refused import HELPED, RefusedWhy
from postrail.decision.senders import is_proven
from postrail.effects.approvals.letters import letters_of
from postrail.effects.batch import Context, Work
from postrail.notifications.approvals.helping import TRY_AGAIN, HelpReason, help_words
from postrail.records import OutgoingQueued
from postrail.rendering.events import MessageEvent
from postrail.tracker.issues import Watcher

REASONS = {
    RefusedWhy.SEVERAL_REQUESTS: HelpReason.SEVERAL,
    RefusedWhy.OTHER_ADDRESS: HelpReason.OTHER_ADDRESS,
    RefusedWhy.FORWARDED: HelpReason.FORWARDED,
    RefusedWhy.STRANGER: HelpReason.OTHER_SENDER,
    RefusedWhy.SENT_FOR: HelpReason.OTHER_SENDER,
    RefusedWhy.INACTIVE: HelpReason.NOT_ASKED,
    RefusedWhy.OUTSIDE_DELEGATION: HelpReason.NOT_ASKED,
    RefusedWhy.UNVERIFIED: HelpReason.UNVERIFIED,
    RefusedWhy.LATE: HelpReason.LATE,
    RefusedWhy.EXPIRED: HelpReason.LATE,
    RefusedWhy.DECIDED: HelpReason.OVER,
    RefusedWhy.WITHDRAWN: HelpReason.OVER,
    RefusedWhy.SECOND: HelpReason.ANSWERED,
    RefusedWhy.REPLACED: HelpReason.NOT_ASKED,
    RefusedWhy.UNCLEAR: HelpReason.UNCLEAR,
    RefusedWhy.COMMENT_MISSING: HelpReason.NO_COMMENT,
}
assert REASONS.keys() == HELPED


async def help_mail(context: Context, work: Work[RefuseAnswer]) -> OutgoingQueued | None:
    """Returns the message to the sender; None without a setup or an outgoing connection."""
    effect, mail, connection = work.effect, work.due.mail, context.connection
    request = (await store.by_id(connection, [effect.request_id]))[effect.request_id]
    part = (await store.assignment(connection, [effect.assignment_id]))[effect.assignment_id]
    letters = await letters_of(
        connection, context.snapshot, request, [part.address], context.message_id_key, context.now
    )
    if letters is None or mail.sender is None:
        return None
    approver, reason, address = letters.approver(part), REASONS[effect.why], mail.sender.address
    words = partial(help_words, letters.about, approver, reason, address)
    letter = letters.letter_to(approver, MessageEvent.APPROVAL_HELP, "helps", words)
    if reason not in TRY_AGAIN:
        # Only a person who is to answer once more gets the token.
        base = context.snapshot.reply_address_of(letters.setup)
        letter = replace(letter, token=None, reply_to=base, references=[])
    references = [*letter.references, *([mail.message_id] if mail.message_id else [])]
    made = letters.made(
        replace(
            letter,
            name=f"{work.due.cause} help",
            to=Watcher(address=address, name=""),
            references=references,
        )
    )
    account = context.snapshot.accounts.get(mail.mailbox)
    return made and replace(
        made,
        automatic=True,
        answers_proven=is_proven(mail, account),
        received_at=mail.received_at,
        mailbox=mail.mailbox,
    )
