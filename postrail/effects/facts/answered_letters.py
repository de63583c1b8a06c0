"""Gathers which of our messages about no issue a message answers, or is a bounce of."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.decision import Decision
from postrail.decision.facts import Facts
from postrail.decision.question import Question
from postrail.decision.sending.forwarding import forwarded_failure
from postrail.incoming.message_ids import all_answered_ids
from postrail.outgoing.letters import purposes_of
from postrail.records import MailParsed


async def answered_letters(connection: Connection, mails: Sequence[MailParsed]) -> dict[str, str]:
    """Returns what our message is that each message answers, by mail_id: forward, notice …"""
    ids = {mail.mail_id: _returned(mail) for mail in mails}
    sent = await purposes_of(connection, {one for named in ids.values() for one in named})
    return {
        mail_id: next(sent[one] for one in named if one in sent)
        for mail_id, named in ids.items()
        if any(one in sent for one in named)
    }


async def forwarded_without_facts(
    connection: Connection, mail: MailParsed, snapshot: ConfigurationSnapshot, failed: Decision
) -> Decision:
    """Adds the forward of a message that failed before its facts were known."""
    letters = await answered_letters(connection, [mail])
    facts = Facts(answers_ours=letters.get(mail.mail_id, ""))
    return forwarded_failure(Question(mail=mail, snapshot=snapshot, facts=facts), failed)


def _returned(mail: MailParsed) -> list[str]:
    """Returns the Message-ID that the message is a bounce of, and those that it answers."""
    bounced = mail.bounce.original_message_id if mail.bounce else None
    return [*([bounced] if bounced else []), *all_answered_ids(mail)]
