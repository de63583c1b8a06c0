"""Which mailboxes a command means, and telling the fetcher to look at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from postrail.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postrail.settings import Settings

Names = Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="The accounts' names.")]
Everything = Annotated[bool, typer.Option("--all", help="All accounts that are enabled.")]


def chosen(names: Sequence[str] | None, everything: bool) -> Sequence[str]:
    """The names given, none for all; raises ConfigurationError when it is neither or both."""
    if bool(names) == everything:
        raise ConfigurationError("which mailboxes?", remedy="Name accounts, or give --all instead")
    return names or []


async def enabled(connection: Any, names: Sequence[str]) -> list[str]:
    """These accounts, or without names all that are enabled.

    Raises ConfigurationError when one of them is not there or not enabled.
    """
    from postrail.configuration.change import account_named
    from postrail.configuration.load import mail_accounts

    there = await mail_accounts(connection)
    if not names:
        return [one.name for one in there if one.enabled]
    for name in names:
        if not account_named(name, there).enabled:
            raise ConfigurationError(
                f"mail account {name!r} is not enabled",
                remedy=f"Run: postrail accounts enable {name}",
            )
    return list(dict.fromkeys(names))


async def request_looks(settings: Settings, names: Sequence[str], author: str) -> None:
    """Returns once Kafka has the words."""
    if not names:
        return
    from postrail.clock import SystemClock
    from postrail.records import MailboxCheckRequested
    from postrail.stream import avro
    from postrail.stream.producer import Entry, Producer
    from postrail.stream.topics import MAILBOX_CHECK_REQUESTED

    now = SystemClock().now()
    records = [
        MailboxCheckRequested(mailbox=name, requested_at=now, requested_by=author) for name in names
    ]
    producer = Producer(settings.kafka)
    await producer.start()
    try:
        await producer.send(
            [Entry(MAILBOX_CHECK_REQUESTED, one.mailbox, avro.encode(one)) for one in records]
        )
    finally:
        await producer.close()
