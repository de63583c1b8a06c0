"""Applies CreatePerson: senders of messages become known persons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from postrail.decision.decision import CreatePerson
from postrail.effects.batch import Context, Made, Work
from postrail.effects.forwarding.letter import queued
from postrail.effects.involvement import author_of
from postrail.notifications.fixed_texts import account_created
from postrail.people.changes import add_from_mail
from postrail.records import OutgoingQueued
from postrail.tracker.issues import Watcher


async def create_persons(context: Context, works: Sequence[Work[CreatePerson]]) -> list[Made]:
    """Makes a person of each sender, and tells them; one that exists by now stays as it is."""
    made = []
    for work in works:
        author = author_of(work.due.mail, context.snapshot)
        added = await add_from_mail(
            context.connection,
            author.address,
            author.name,
            mail_id=work.due.mail.mail_id,
            now=context.now,
        )
        if added and work.effect.notify:
            letter = _told(context, work, author)
            made.append(Made(mail_id=work.due.mail.mail_id, issue=None, letter=letter))
    return made


def _told(context: Context, work: Work[CreatePerson], author: Watcher) -> OutgoingQueued | None:
    cause = f"{work.due.cause} made a person"
    # Somebody else may have written the name.
    person = replace(author, name="")
    letter = partial(account_created, author.address)
    return queued(context, work.due, cause, [person], letter, purpose="account")
