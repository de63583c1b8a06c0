"""Asks the fetcher to poll mailboxes now."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.clock import Clock
from postrail.configuration.change import account_named
from postrail.configuration.load import mail_accounts
from postrail.database import Connection, Transactions
from postrail.errors import ConfigurationError
from postrail.incoming import refetch
from postrail.records import MailboxCheckRequested
from postrail.settings import KafkaSettings
from postrail.stream import avro
from postrail.stream.producer import Entry, Producer
from postrail.stream.topics import MAILBOX_CHECK_REQUESTED


async def check_mailboxes(
    transactions: Transactions,
    kafka: KafkaSettings,
    names: Sequence[str],
    *,
    author: str,
    clock: Clock,
) -> list[str]:
    """Requests a poll of these mailboxes, or of all; returns their names once Kafka has them.

    Messages that their servers did not deliver are asked for again with it.
    """
    async with transactions() as connection:
        mailboxes = await enabled_accounts(connection, names)
        await refetch.request_waiting(connection, mailboxes, requested_by=author, now=clock.now())
    await request_checks(kafka, mailboxes, author=author, clock=clock)
    return mailboxes


async def enabled_accounts(connection: Connection, names: Sequence[str]) -> list[str]:
    """Returns these accounts, or without names all enabled ones.

    Raises PermanentError for an unknown account, ConfigurationError for one that is disabled.
    """
    accounts = await mail_accounts(connection)
    if not names:
        return [account.name for account in accounts if account.enabled]
    for name in names:
        if not account_named(name, accounts).enabled:
            raise ConfigurationError(
                f"mail account {name!r} is not enabled",
                remedy=f"Run: postrail accounts enable {name}",
            )
    return list(dict.fromkeys(names))


async def request_checks(
    kafka: KafkaSettings, mailboxes: Sequence[str], *, author: str, clock: Clock
) -> None:
    """Publishes a check request for each mailbox; returns once Kafka has acknowledged them."""
    if not mailboxes:
        return
    now = clock.now()
    requests = [
        MailboxCheckRequested(mailbox=name, requested_at=now, requested_by=author)
        for name in mailboxes
    ]
    producer = Producer(kafka)
    await producer.start()
    try:
        await producer.send(
            [Entry(MAILBOX_CHECK_REQUESTED, one.mailbox, avro.encode(one)) for one in requests]
        )
    finally:
        await producer.close()
