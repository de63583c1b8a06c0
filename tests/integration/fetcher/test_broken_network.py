"""Networks that break, stall or crawl at a set byte: each message is fetched, and has one id."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from postrail.configuration.models.mail_account import MailAccount
from tests.fakes.fetching import account_named, until, until_blocking
from tests.integration.fetcher.test_fetcher import USER, Fetching, fetching, mail, seen
from tests.processes.fetcher_process import fetched_records, query, sources
from tests.servers.dovecot import Dovecot
from tests.servers.proxy import Fault, Proxy

__all__ = ["fetching"]

pytestmark = pytest.mark.debian

MAILS = [mail(1), mail(2, size=300_000), mail(3)]
# Larger than a batch, so that it is read in parts.
LARGE = mail(4, size=5_000_000)


@pytest.fixture
def proxy(dovecot: Dovecot) -> Iterator[Proxy]:
    with Proxy(dovecot.imap_port) as found:
        yield found


def account_through(proxy: Proxy, **changes: object) -> MailAccount:
    """Makes an account whose server is behind the proxy."""
    values: dict[str, object] = {"port": proxy.port, "encryption": "none", "idle": True}
    return account_named(USER, **(values | {"poll_seconds": 3600, "timeout_ms": 5_000} | changes))


async def transcript(proxy: Proxy, dovecot: Dovecot, fetching: Fetching) -> bytes:
    """Returns what the server sends, without faults, until the last message is marked."""
    async with fetching.watching(account_through(proxy)):
        await until_blocking(lambda: len(seen(dovecot)) == len(MAILS) + 1)
        await until_blocking(lambda: b"idling" in proxy.passages[0].sent)
    return bytes(proxy.passages[0].sent)


def reset(dovecot: Dovecot, fetching: Fetching) -> None:
    """Restores the mailbox and the tables."""
    with dovecot.connection(USER) as client:
        client.select("INBOX")
        client.store("1:*", "-FLAGS", "\\Seen")
    query(
        fetching.url,
        "WITH mails AS (DELETE FROM incoming_mail), states AS (DELETE FROM sync_state)"
        " DELETE FROM reconciliation RETURNING 1",
    )


# The byte at which to cut the connection, computed from what the server sends.
PLACES: dict[str, Callable[[bytes], int]] = {
    "in the greeting": lambda said: 5,
    "before the answer to the login": lambda said: said.index(b"Logged in") - 20,
    "in the list of UIDs": lambda said: said.index(b"* SEARCH 1 2") + 11,
    "in the first FETCH answer": lambda said: said.index(b"BODY[] {") + 3,
    "in a literal": lambda said: said.index(MAILS[1]) + 150_000,
    "before a literal's last byte": lambda said: said.index(MAILS[1]) + len(MAILS[1]) - 1,
    "right behind a literal": lambda said: said.index(MAILS[2]) + len(MAILS[2]),
    "in a piece of a large mail": lambda said: said.index(LARGE[:3_000]) + 900_000,
    "before a piece's last byte": lambda said: said.index(LARGE[:3_000]) + 1024 * 1024 - 1,
    "before the answer to the mark": lambda said: said.rindex(b"Store completed") - 30,
}


@pytest.mark.parametrize("place", PLACES)
async def test_after_a_cut_anywhere_each_message_is_fetched_with_one_id(
    dovecot: Dovecot, proxy: Proxy, fetching: Fetching, place: str
) -> None:
    dovecot.fill(USER, [*MAILS, LARGE])
    at = PLACES[place](await transcript(proxy, dovecot, fetching))
    await asyncio.to_thread(reset, dovecot, fetching)
    proxy.faults = [Fault(cut_at=at)]
    async with fetching.watching(account_through(proxy)):
        await until_blocking(lambda: len(seen(dovecot)) == 4)
        # Dovecot has marked messages without an answer to us, so wait for the next connection.
        await until_blocking(lambda: len(proxy.passages) > 2)
        await fetching.until_fetched(4)
    assert len(proxy.passages[1].sent) == at
    await require_each_once(fetching)


async def require_each_once(fetching: Fetching) -> None:
    assert sources(fetching.url) == [f"uid={number}" for number in range(1, 5)]
    assert sources(fetching.url, "failed") == []
    records = await asyncio.to_thread(fetched_records, fetching.settings)
    assert len({record.mail_id for record in records}) == 4
    assert {record.body for record in records} == {*MAILS, None}


async def test_cut_while_it_idles_it_reconnects(
    dovecot: Dovecot, proxy: Proxy, fetching: Fetching
) -> None:
    dovecot.fill(USER, [*MAILS, LARGE])
    async with fetching.watching(account_through(proxy)):
        await until_blocking(lambda: len(seen(dovecot)) == 4)
        await until_blocking(lambda: b"idling" in proxy.passages[0].sent)
        proxy.cut()
        await until_blocking(lambda: len(proxy.passages) > 1)
        await until_blocking(lambda: b"idling" in proxy.passages[1].sent)
    await require_each_once(fetching)


async def test_a_connection_that_broke_silently_is_noticed_while_idling(
    dovecot: Dovecot, proxy: Proxy, fetching: Fetching
) -> None:
    account = account_through(proxy, poll_seconds=1, timeout_ms=1_000)
    async with fetching.watching(account):
        await until(lambda: bool(proxy.passages) and b"idling" in proxy.passages[0].sent)
        proxy.silence()
        dovecot.deliver(USER, mail(1))
        await fetching.until_fetched(1)
    assert len(proxy.passages) == 2


async def test_a_server_that_falls_silent_in_a_literal_times_out(
    dovecot: Dovecot, proxy: Proxy, fetching: Fetching
) -> None:
    dovecot.fill(USER, [mail(1, size=300_000)])
    proxy.faults = [Fault(silent_at=100_000)]
    async with fetching.watching(account_through(proxy, timeout_ms=1_000)):
        await fetching.until_fetched(1)
    assert len(proxy.passages[0].sent) == 100_000
    assert sources(fetching.url) == ["uid=1"]


async def test_a_slow_line_takes_longer_than_the_timeout_of_one_operation(
    dovecot: Dovecot, proxy: Proxy, fetching: Fetching
) -> None:
    dovecot.fill(USER, [mail(1, size=400_000)])
    # 64 KiB arrive twice a second, so the message takes three seconds.
    proxy.faults = [Fault(bytes_per_second=131_072)]
    async with fetching.watching(account_through(proxy, timeout_ms=1_500)):
        await fetching.until_fetched(1)
    assert len(proxy.passages) == 1
