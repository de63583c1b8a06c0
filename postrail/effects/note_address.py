"""Applies NoteAddress: further watched addresses at which an issue's message arrived."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.decision.decision import NoteAddress
from postrail.effects.batch import Context, Made, Work
from postrail.tracker import issues


async def note_addresses(context: Context, works: Sequence[Work[NoteAddress]]) -> list[Made]:
    """Notes the address of each effect on its issue."""
    addresses = [(work.effect.issue.issue_id, work.effect.address) for work in works]
    await issues.note_addresses(context.connection, addresses)
    return [Made(mail_id=work.due.mail.mail_id, issue=work.effect.issue) for work in works]
