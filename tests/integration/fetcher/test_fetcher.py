"""The fetcher on real Dovecot, Kafka and PostgreSQL: its records, and its recovery from faults."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from postrail.blobs import BlobStore
from postrail.clock import SystemClock
from postrail.configuration.models.mail_account import MailAccount
from postrail.database import migrate, open_pool, transaction
from postrail.embedded.postgres import Postgres
from postrail.errors import FatalError
from postrail.mailbox.imap.mailbox import ImapMailbox
from postrail.mailbox_state.reconciliation import request
from postrail.observe.health import Health
from postrail.records import MailboxCheckRequested
from postrail.settings import Settings
from postrail.stream import avro
from postrail.stream.producer import Entry, Placed, Producer
from postrail.stream.topics import (
    MAILBOX_CHECK_REQUESTED,
    apply_topics,
)
from services.fetcher.in_flight import InFlight
from services.fetcher.opener import MailboxOpener
from services.fetcher.reading.publish import Publisher
from services.fetcher.refetch.queue import RefetchQueue
from services.fetcher.resources import SharedResources
from services.fetcher.store import PostgresStore
from services.fetcher.threads import Threads
from services.fetcher.watch import MailboxWatch
from tests.fakes.fetching import (
    MemoryProgress,
    NoMarks,
    account_named,
    until,
    until_blocking,
)
from tests.makers.settings import settings_of
from tests.processes.fetcher_process import (
    configure,
    fetched_records,
    fetcher,
    query,
    sources,
    until_count,
)
from tests.servers.certificates import Certificates
from tests.servers.dovecot import PASSWORD, Dovecot

pytestmark = pytest.mark.debian

USER = "support"


def mail(number: int, size: int = 0) -> bytes:
    """Makes a message with its number in the subject, and padding."""
    head = f"Subject: Mail {number}\r\nMessage-ID: <{number}@example.org>\r\n\r\n"
    return head.encode() + b"x" * 70 * (size // 72) + b"\r\n"


def account_on(dovecot: Dovecot, certificates: Certificates, **changes: Any) -> MailAccount:
    """Makes an account over TLS whose poll timer is longer than a test."""
    values: dict[str, Any] = {
        "port": dovecot.imaps_port,
        "encryption": "ssl",
        "ca_file": str(certificates.ca_file),
        "idle": True,
        "poll_seconds": 3600,
        "timeout_ms": 10_000,
    }
    return account_named(USER, **(values | changes))


class Fetching:
    """The resources of a fetcher on real servers, for watches that a test starts and stops."""

    def __init__(self, settings: Settings, resources: SharedResources) -> None:
        self.settings = settings
        self.url = settings.database.url.get_secret_value()
        self.resources = resources

    @contextlib.asynccontextmanager
    async def watching(self, account: MailAccount) -> AsyncIterator[asyncio.Task[None]]:
        """Runs a watch during the block."""
        opener = MailboxOpener(
            mailbox_for=lambda one: ImapMailbox(one, PASSWORD), slots=asyncio.Semaphore(2)
        )
        task = asyncio.create_task(MailboxWatch(account, self.resources, opener).run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def until_fetched(self, count: int, seconds: float = 20) -> None:
        """Waits for `count` rows in state fetched."""
        await until_blocking(lambda: len(sources(self.url)) >= count, seconds)

    async def until_seen(self, dovecot: Dovecot, count: int) -> None:
        """Waits until `count` messages of the user are marked as seen."""
        await until_blocking(lambda: len(seen(dovecot)) >= count)


def seen(dovecot: Dovecot, folder: str = "INBOX") -> list[int]:
    return [uid for uid, flags in dovecot.flags(USER, folder).items() if "\\Seen" in flags]


@pytest.fixture
async def fetching(settings: Settings) -> AsyncIterator[Fetching]:
    await asyncio.to_thread(apply_topics, settings.kafka)
    clock, health = SystemClock(), Health()
    pool = await open_pool(settings.database)
    producer = Producer(settings.kafka)
    await producer.start()
    threads = ThreadPoolExecutor(4)
    publisher = Publisher(
        producer=producer,
        blobs=BlobStore(settings.blobs.url),
        health=health,
        inline_max_bytes=settings.fetcher.inline_max_bytes,
        archive_days=0,
    )
    store = PostgresStore(pool, health, clock)
    resources = SharedResources(
        settings=settings.fetcher,
        store=store,
        publisher=publisher,
        refetches=RefetchQueue(
            transactions=store.transaction,
            publisher=publisher,
            progress=MemoryProgress(),
            clock=clock,
            settings=settings.fetcher,
        ),
        progress=MemoryProgress(),
        threads=Threads(threads),
        in_flight=InFlight(NoMarks(), 4),
        clock=clock,
    )
    yield Fetching(settings, resources)
    await producer.close()
    await pool.close()
    await asyncio.to_thread(threads.shutdown)


async def test_a_full_mailbox_arrives_in_order_with_rows_and_flags(
    dovecot: Dovecot, certificates: Certificates, fetching: Fetching
) -> None:
    dovecot.fill(USER, [mail(number) for number in range(1, 121)])
    async with fetching.watching(account_on(dovecot, certificates)):
        await fetching.until_fetched(120)
        await fetching.until_seen(dovecot, 120)
    records = await asyncio.to_thread(fetched_records, fetching.settings)
    assert [record.body for record in records] == dovecot.messages(USER)
    rows = query(
        fetching.url,
        "SELECT mail_id::text, source, raw_offset FROM incoming_mail ORDER BY raw_offset",
    )
    assert rows == [
        (record.mail_id, record.source, offset) for offset, record in enumerate(records)
    ]
    validity = dovecot.uidvalidity(USER)
    state = query(fetching.url, "SELECT folder, uid_validity, last_uid FROM sync_state")
    assert state == [("INBOX", validity, 120)]


@pytest.mark.parametrize("encryption", ["none", "starttls", "ssl"])
async def test_idle_fetches_a_delivered_message_quickly(
    dovecot: Dovecot, certificates: Certificates, fetching: Fetching, encryption: str
) -> None:
    port = dovecot.imaps_port if encryption == "ssl" else dovecot.imap_port
    account = account_on(dovecot, certificates, encryption=encryption, port=port)
    progress = fetching.resources.progress
    assert isinstance(progress, MemoryProgress)
    async with fetching.watching(account):
        await until(lambda: bool(progress.contacts))
        started = time.monotonic()
        for number in range(1, 21):
            await asyncio.to_thread(dovecot.deliver, USER, mail(number))
        await fetching.until_fetched(20)
        # The poll timer is an hour, so IDLE has reported them, and missed none of the burst.
        assert time.monotonic() - started < 10


async def test_a_restart_continues_after_the_last_message(
    dovecot: Dovecot, certificates: Certificates, fetching: Fetching
) -> None:
    account = account_on(dovecot, certificates)
    dovecot.fill(USER, [mail(number) for number in range(1, 11)])
    async with fetching.watching(account):
        await fetching.until_seen(dovecot, 10)
    dovecot.deliver(USER, mail(11))
    async with fetching.watching(account):
        await fetching.until_seen(dovecot, 11)
    records = await asyncio.to_thread(fetched_records, fetching.settings)
    assert len(records) == len({record.mail_id for record in records}) == 11


async def test_a_kicked_session_reconnects(
    dovecot: Dovecot, certificates: Certificates, fetching: Fetching
) -> None:
    async with fetching.watching(account_on(dovecot, certificates)):
        for number in range(1, 4):
            dovecot.deliver(USER, mail(number))
            await fetching.until_fetched(number)
            await asyncio.to_thread(dovecot.kick, USER)


async def test_it_reconnects_to_a_restarted_server(
    dovecot: Dovecot, certificates: Certificates, fetching: Fetching
) -> None:
    async with fetching.watching(account_on(dovecot, certificates)):
        dovecot.deliver(USER, mail(1))
        await fetching.until_fetched(1)
        await asyncio.to_thread(dovecot.stop)
        await asyncio.to_thread(dovecot.start)
        dovecot.deliver(USER, mail(2))
        await fetching.until_fetched(2)


async def test_a_changed_uidvalidity_lists_again_under_new_ids(
    dovecot: Dovecot, certificates: Certificates, fetching: Fetching
) -> None:
    account = account_on(dovecot, certificates)
    dovecot.fill(USER, [mail(1), mail(2)])
    async with fetching.watching(account):
        await fetching.until_seen(dovecot, 2)
        await asyncio.to_thread(dovecot.set_uidvalidity, USER, 42424242)
        await asyncio.to_thread(dovecot.kick, USER)
        await fetching.until_fetched(4)
    assert query(fetching.url, "SELECT uid_validity, last_uid FROM sync_state") == [(42424242, 2)]


async def test_a_large_message_goes_to_the_blob_store(
    dovecot: Dovecot, certificates: Certificates, fetching: Fetching
) -> None:
    large = mail(1, size=3_000_000)
    dovecot.append(USER, large)
    dovecot.append(USER, mail(2))
    async with fetching.watching(account_on(dovecot, certificates)):
        await fetching.until_fetched(2)
    first, second = await asyncio.to_thread(fetched_records, fetching.settings)
    assert first.body is None
    assert first.blob is not None
    assert await BlobStore(fetching.settings.blobs.url).get(first.blob.sha256) == large
    assert second.body == mail(2)
    blobs = query(fetching.url, "SELECT blobs FROM incoming_mail ORDER BY raw_offset")
    assert blobs == [([first.blob.sha256],), ([],)]


@pytest.mark.logs_errors("mail cannot be read")
async def test_a_message_that_the_server_cannot_read_fails_alone(
    dovecot: Dovecot, certificates: Certificates, fetching: Fetching
) -> None:
    # Dovecot starts another storage file after 10 MB; the first one becomes unreadable.
    dovecot.append(USER, mail(1, size=11_000_000))
    dovecot.append(USER, mail(2))
    storage = sorted((dovecot._folder / "mail" / USER).rglob("m.1"))
    assert len(storage) == 1
    storage[0].chmod(0)
    async with fetching.watching(account_on(dovecot, certificates)):
        await fetching.until_fetched(1, seconds=60)
    assert sources(fetching.url) == ["uid=2"]
    assert sources(fetching.url, "failed") == ["uid=1"]
    ((reason,),) = query(fetching.url, "SELECT reason FROM incoming_mail WHERE state = 'failed'")
    assert reason.startswith("could not be fetched: ")


async def request_comparison(fetching: Fetching, since: date | None = None) -> None:
    """Requests a comparison."""
    pool = await open_pool(fetching.settings.database)
    async with transaction(pool) as connection:
        await request(connection, USER, since=since, author="ada", now=datetime.now(UTC))
    await pool.close()


RECONCILED = (
    "SELECT requested_by, held, unaccounted, fetched FROM reconciliation"
    " WHERE finished_at IS NOT NULL ORDER BY reconciliation_id"
)


async def test_messages_without_a_row_are_fetched_again(
    dovecot: Dovecot, certificates: Certificates, fetching: Fetching
) -> None:
    account = account_on(dovecot, certificates)
    dovecot.fill(USER, [mail(number) for number in range(1, 11)])
    async with fetching.watching(account):
        await until_blocking(lambda: query(fetching.url, RECONCILED) == [("timer", 10, 0, 0)])
    lost = "DELETE FROM incoming_mail WHERE source LIKE '%uid=3' OR source LIKE '%uid=10'"
    query(fetching.url, lost + " RETURNING 1")
    await request_comparison(fetching)
    async with fetching.watching(account):
        await until_blocking(lambda: len(query(fetching.url, RECONCILED)) == 2)
    assert query(fetching.url, RECONCILED)[1] == ("ada", 10, 2, 2)
    assert len(sources(fetching.url)) == 10
    records = await asyncio.to_thread(fetched_records, fetching.settings)
    assert len(records) == 12
    assert len({record.mail_id for record in records}) == 10


async def test_a_backfill_fetches_messages_from_before_only_after(
    dovecot: Dovecot, certificates: Certificates, fetching: Fetching
) -> None:
    account = account_on(dovecot, certificates, only_after="2026-06-01")
    for number, month in enumerate((3, 5, 6), 1):
        dovecot.append(USER, mail(number), when=datetime(2026, month, 15, tzinfo=UTC))
    async with fetching.watching(account):
        await until_blocking(lambda: query(fetching.url, RECONCILED) == [("timer", 1, 0, 0)])
    assert sources(fetching.url) == ["uid=3"]
    await request_comparison(fetching, since=date(2026, 5, 1))
    async with fetching.watching(account):
        await until_blocking(lambda: len(query(fetching.url, RECONCILED)) == 2)
    assert query(fetching.url, RECONCILED)[1] == ("ada", 2, 1, 1)
    assert sources(fetching.url) == ["uid=2", "uid=3"]
    assert sorted(seen(dovecot)) == [2, 3]


async def test_a_folder_beyond_ascii(
    dovecot: Dovecot, certificates: Certificates, fetching: Fetching
) -> None:
    folder = "Anträge"
    dovecot.doveadm("mailbox", "create", "-u", USER, folder)
    async with fetching.watching(account_on(dovecot, certificates, folder=folder)):
        path = dovecot._folder / "mail.eml"
        path.write_bytes(mail(1))
        dovecot.doveadm("save", "-u", USER, "-m", folder, str(path))
        await fetching.until_fetched(1)
    assert query(fetching.url, "SELECT folder FROM sync_state") == [(folder,)]


class Unacknowledging:
    """A producer that fails; it keeps the flags at that time."""

    def __init__(self, dovecot: Dovecot) -> None:
        self._dovecot = dovecot
        self.seen: list[int] | None = None

    async def send(self, entries: object) -> list[Placed]:
        self.seen = await asyncio.to_thread(seen, self._dovecot)
        raise FatalError("Kafka did not acknowledge a record")


async def test_without_acknowledgement_nothing_changes_in_the_mailbox(
    dovecot: Dovecot, certificates: Certificates, fetching: Fetching
) -> None:
    dovecot.fill(USER, [mail(1), mail(2)])
    producer = Unacknowledging(dovecot)
    fetching.resources.publisher._producer = producer
    async with fetching.watching(account_on(dovecot, certificates)) as task:
        with pytest.raises(FatalError):
            await task
    assert producer.seen == seen(dovecot) == []
    assert sources(fetching.url) == []
    assert query(fetching.url, "SELECT last_uid FROM sync_state") == [(0,)]


# The tests below run whole processes.


@pytest.fixture
def fetcher_environment(environment: dict[str, str]) -> dict[str, str]:
    """Returns the environment of a fetcher process."""
    return os.environ | environment | {"POSTRAIL_SECRET_MAIL": PASSWORD}


async def test_two_processes_share_the_mailboxes_and_one_takes_over_from_the_other(
    dovecot: Dovecot,
    certificates: Certificates,
    settings: Settings,
    fetcher_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    users = [f"user{number}" for number in range(8)]
    accounts = [
        account_on(dovecot, certificates).model_copy(update={"name": user, "username": user})
        for user in users
    ]
    await configure(settings, accounts)
    url = settings.database.url.get_secret_value()
    logs = [tmp_path / "first.log", tmp_path / "second.log"]
    with (
        fetcher(fetcher_environment, logs[0]) as first,
        fetcher(fetcher_environment, logs[1]) as second,
    ):
        await until_blocking(lambda: all("mailbox open" in log.read_text() for log in logs), 40)
        for user in users:
            dovecot.deliver(user, mail(1))
        await until_count(url, 8)
        first.kill()
        for user in users:
            dovecot.deliver(user, mail(2))
        await until_count(url, 16)
        second.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(second.wait, 20) == 0
    assert query(url, "SELECT count(*), sum(last_uid) FROM sync_state") == [(8, 16)]


async def test_a_request_starts_a_poll_at_once(
    dovecot: Dovecot,
    certificates: Certificates,
    settings: Settings,
    fetcher_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    await configure(settings, [account_on(dovecot, certificates, idle=False)])
    url = settings.database.url.get_secret_value()
    log = tmp_path / "fetcher.log"
    producer = Producer(settings.kafka)
    await producer.start()
    with fetcher(fetcher_environment, log):
        await until_blocking(lambda: bool(query(url, "SELECT 1 FROM sync_state")), 40)
        await asyncio.sleep(1)
        dovecot.deliver(USER, mail(1))
        await asyncio.sleep(1)
        assert sources(url) == []
        record = MailboxCheckRequested(
            mailbox=USER, requested_at=datetime.now(UTC), requested_by="test"
        )
        await producer.send([Entry(MAILBOX_CHECK_REQUESTED, USER, avro.encode(record))])
        await until_count(url, 1)
    await producer.close()


async def test_while_postgresql_is_unavailable_messages_stay_in_the_mailbox(
    dovecot: Dovecot,
    certificates: Certificates,
    own_postgres: Postgres,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    url = own_postgres.url
    environment = os.environ | environment | {"POSTRAIL_SECRET_MAIL": PASSWORD}
    environment |= {
        "POSTRAIL_DATABASE__URL": url,
        "POSTRAIL_DATABASE__CONNECT_TIMEOUT_SECONDS": "2",
    }
    ours = {name: value for name, value in environment.items() if name.startswith("POSTRAIL_")}
    ours.pop("POSTRAIL_SECRET_MAIL")
    await migrate(url)
    await configure(settings_of(ours), [account_on(dovecot, certificates)])
    log = tmp_path / "fetcher.log"
    with fetcher(environment, log) as process:
        dovecot.deliver(USER, mail(1))
        await until_count(url, 1)
        await asyncio.to_thread(own_postgres.kill)
        dovecot.deliver(USER, mail(2))
        await until_blocking(lambda: "PostgreSQL" in log.read_text())
        assert seen(dovecot) == [1]
        await asyncio.to_thread(own_postgres.start)
        await until_count(url, 2)
        await until_blocking(lambda: len(seen(dovecot)) == 2)
        assert process.poll() is None


async def test_ten_mailboxes_with_50_mib_at_once_need_less_than_200_mib_of_memory(
    dovecot: Dovecot,
    certificates: Certificates,
    settings: Settings,
    fetcher_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    users = [f"user{number}" for number in range(10)]
    account = account_on(dovecot, certificates)
    await configure(
        settings,
        [account.model_copy(update={"name": user, "username": user}) for user in users],
    )
    for number, user in enumerate(users):
        # A file of 50 MiB in base64 with its line ends.
        dovecot.fill(user, [mail(number, size=70 * 1024 * 1024), mail(1000 + number)])
    url = settings.database.url.get_secret_value()
    with fetcher(fetcher_environment, tmp_path / "fetcher.log") as process:
        await until_count(url, 20, seconds=120)
        status = Path(f"/proc/{process.pid}/status").read_text()
    (peak_kib,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    assert int(peak_kib) < 200 * 1024
    blobs = query(url, "SELECT DISTINCT unnest(blobs) FROM incoming_mail")
    assert len(blobs) == 10
