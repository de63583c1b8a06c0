"""Gathers what we sent that bounces, receipts and complaints name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.decision import DeliveryEvent
from postrail.decision.facts import IssueRef, SentMail
from postrail.decision.reports.bounces import SOFT_BOUNCE_TIME, bounced, named_id
from postrail.incoming.queue import DueMail
from postrail.incoming.senders import wrote_since
from postrail.notifications.return_path import returned_to
from postrail.outgoing import reports, suppressions
from postrail.outgoing.reports import NamedDelivery
from postrail.records import MailParsed

REPORTS = ("bounce", "feedback", "receipt")
# More deliveries have one Message-ID only if an early release sent them.
NAMED_MAX = 20


async def named_deliveries(
    connection: Connection, mails: Sequence[DueMail], snapshot: ConfigurationSnapshot
) -> dict[str, list[NamedDelivery]]:
    """Returns the deliveries that each report names, by its mail_id.

    The address that a report was returned to names one, whatever else the report names.
    """
    told = [due.mail for due in mails if due.mail.kind in REPORTS]
    beginnings = {mail.mail_id: _returned_to(mail, snapshot) for mail in told}
    ids = {mail.mail_id: named_id(mail) for mail in told}
    found = await reports.named(
        connection,
        set(filter(None, ids.values())),
        {one for of_mail in beginnings.values() for one in of_mail},
    )
    named = {}
    for mail in told:
        by_address = tuple(beginnings[mail.mail_id])
        addressed = [one for one in found if by_address and one.message_id.startswith(by_address)]
        by_id = [one for one in found if one.message_id == ids[mail.mail_id]]
        named[mail.mail_id] = _bounded(mail, addressed or by_id)
    return {mail_id: deliveries for mail_id, deliveries in named.items() if deliveries}


def _returned_to(mail: MailParsed, snapshot: ConfigurationSnapshot) -> list[str]:
    addresses = [*mail.delivered_to, *(one.address for one in [*mail.to, *mail.cc])]
    return returned_to(addresses, snapshot.bounce_addresses)


def _bounded(mail: MailParsed, named: list[NamedDelivery]) -> list[NamedDelivery]:
    """Returns the deliveries that a report names; of very many those that it may be about."""
    reported = {one.address.lower() for one in mail.bounce.recipients} if mail.bounce else ()
    fitting = sorted(named, key=lambda one: one.recipient.lower() not in reported)
    return fitting[:NAMED_MAX] if len(named) > NAMED_MAX else named


async def sent_mails(
    connection: Connection,
    mails: Sequence[DueMail],
    named: Mapping[str, Sequence[NamedDelivery]],
    refs: Mapping[int, IssueRef],
) -> dict[str, tuple[SentMail, ...]]:
    """Returns the facts about the deliveries of each report, by its mail_id.

    Bounces of one address are counted one after another, also within a batch.
    """
    addresses = {one.recipient for found in named.values() for one in found}
    await suppressions.lock(connection, addresses)
    # The messages of this batch that bounce softly, by address.
    in_batch: defaultdict[str, set[str]] = defaultdict(set)
    facts = {}
    for due in mails:
        found = tuple(
            [
                await _fact(connection, due.mail, one, refs, in_batch[one.recipient.lower()])
                for one in named.get(due.mail.mail_id, ())
            ]
        )
        facts[due.mail.mail_id] = found
        for told in bounced(due.mail.bounce, found) if due.mail.kind == "bounce" else ():
            if told.event is DeliveryEvent.SOFT:
                in_batch[told.sent.recipient.lower()].add(told.sent.outgoing_id)
    return facts


async def _fact(
    connection: Connection,
    mail: MailParsed,
    one: NamedDelivery,
    refs: Mapping[int, IssueRef],
    in_batch: set[str],
) -> SentMail:
    soft: set[str] = set()
    if mail.kind == "bounce":
        since = (mail.received_at or mail.fetched_at) - SOFT_BOUNCE_TIME
        soft = await reports.soft_bounces(connection, one.recipient, since)
    return SentMail(
        outgoing_id=one.outgoing_id,
        recipient=one.recipient,
        issue=refs.get(one.issue_id) if one.issue_id is not None else None,
        events=tuple(one.events),
        soft_bounces=len((soft | in_batch) - {one.outgoing_id}),
        wrote_since=mail.kind != "receipt"
        and await wrote_since(connection, one.recipient, one.queued_at, but=mail.mail_id),
    )
