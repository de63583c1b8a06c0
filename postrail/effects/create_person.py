"""Applies CreatePerson: senders of messages become known persons."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.decision.decision import CreatePerson
from postrail.effects.batch import Context, Made, Work
from postrail.effects.involvement import author_of
from postrail.people.changes import add_from_mail


async def create_persons(context: Context, works: Sequence[Work[CreatePerson]]) -> list[Made]:
    """Makes a person of each sender; one that exists by now stays as it is."""
    for work in works:
        author = author_of(work.due.mail, context.snapshot)
        await add_from_mail(
            context.connection,
            author.address,
            author.name,
            mail_id=work.due.mail.mail_id,
            now=context.now,
        )
    return []
