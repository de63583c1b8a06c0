"""Orders of people to handle messages again, and the fetcher's part in them, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from postrail.database import transaction
from postrail.incoming import refetching
from postrail.incoming.refetching import Refetch
from postrail.operate.retry import Asked, Order, ask_again
from postrail.records import MailParsed
from tests.integration.handler.bench import Bench


async def ordered(bench: Bench, *mail_ids: str, releases: bool = True, **order: Any) -> list[Asked]:
    """Asks for the messages again, as a person does."""
    wanted = Order(author="ann", releases=releases, **order)
    async with transaction(bench.pool) as connection:
        return await ask_again(connection, mail_ids, wanted, bench.clock.now())


async def due(bench: Bench) -> list[Refetch]:
    """Returns the requests that the fetcher finds."""
    async with transaction(bench.pool) as connection:
        return await refetching.due(
            connection,
            ["support", "info", "sales"],
            bench.clock.now(),
            only_in_mailbox=False,
            limit=1000,
            max_bytes=10**9,
        )


async def begun(bench: Bench, requests: list[Refetch]) -> set[str]:
    """Sets the messages back to fetched; returns the ids of those to publish."""
    async with transaction(bench.pool) as connection:
        return await refetching.begin(connection, requests, bench.clock.now())


async def settled(bench: Bench, requests: list[Refetch]) -> None:
    """Removes the requests, as Kafka has acknowledged the records."""
    async with transaction(bench.pool) as connection:
        await refetching.settle(connection, requests, [])


async def published(bench: Bench, mails: Mapping[str, MailParsed]) -> None:
    """Publishes what is asked for; its parsed form arrives at the handler."""
    requests = await due(bench)
    ids = await begun(bench, requests)
    await bench.take_in(*(mails[one.mail_id] for one in requests if one.mail_id in ids))
    await settled(bench, requests)


def by_id(*mails: MailParsed) -> dict[str, MailParsed]:
    """Returns the messages by their ids."""
    return {mail.mail_id: mail for mail in mails}
