"""Starts the fetcher: wires the consumer group, PostgreSQL, the blob store and the mailboxes."""

from __future__ import annotations

from services import hold_stop_signals

if __name__ == "__main__":
    # Before the imports below, which take a second.
    hold_stop_signals()

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from postrail.blobs import BlobStore
from postrail.database import require_current_schema, transaction
from postrail.in_flight.mark import Mark
from postrail.instance import require_own
from postrail.oauth.authorizations import Authorizations
from postrail.oauth.tokens import AccessTokens
from postrail.process import Process, open_database, run_process
from postrail.secrets import Secrets
from postrail.stream.topics import MAILBOX_CHECK_REQUESTED
from postrail.stream.worker import Worker
from postrail.tasks import side_by_side
from services.fetcher.assignment import MailboxAssignment
from services.fetcher.in_flight import SERVICE, InFlight
from services.fetcher.losses import Losses
from services.fetcher.opener import MailboxFactory, MailboxOpener
from services.fetcher.reading.publish import Publisher
from services.fetcher.refetch.from_store import StoredRefetches
from services.fetcher.refetch.queue import RefetchQueue
from services.fetcher.refetch.stored import StoredMessages
from services.fetcher.resources import SharedResources
from services.fetcher.store import PostgresStore
from services.fetcher.threads import Threads
from services.fetcher.watch import MailboxWatch


async def main(process: Process) -> None:
    """Fetches from the mailboxes assigned to this process until it is told to stop."""
    settings = process.settings
    pool = await open_database(process)
    if pool is None:
        return
    threads = ThreadPoolExecutor(settings.fetcher.threads, thread_name_prefix="mailbox")
    secrets = Secrets(settings.secrets)
    tokens = AccessTokens(lambda: transaction(pool), secrets, process.clock)
    try:
        async with transaction(pool) as connection:
            await require_current_schema(connection)
        await require_own(pool, settings.instance, process.clock.now())
        every = timedelta(seconds=settings.fetcher.reconcile_seconds)
        store = PostgresStore(pool, process.health, process.clock, every)
        mark = Mark(settings.database, SERVICE)
        resources = _resources(process, store, Threads(threads), mark)
        full_listing_seconds = settings.fetcher.full_listing_seconds
        mailboxes = MailboxFactory(
            store,
            secrets,
            tokens,
            process.clock,
            full_listing_seconds,
            lambda: transaction(pool),
        )
        opener = _opener(settings.fetcher.threads, mailboxes)
        assignment = MailboxAssignment(
            store=store,
            assigned=lambda: worker.assigned_partitions,
            partitions=settings.kafka.partitions,
            reload_seconds=settings.fetcher.accounts_reload_seconds,
            watch_for=lambda account: MailboxWatch(account, resources, opener),
        )
        worker = Worker(
            topic=MAILBOX_CHECK_REQUESTED,
            group="fetcher",
            settings=settings.kafka,
            process=assignment.pass_on_requests,
            producer=process.producer,
            health=process.health,
            clock=process.clock,
        )
        refetches = StoredRefetches(
            queue=resources.refetches,
            stored=StoredMessages(settings.kafka, BlobStore(settings.blobs.url), store.transaction),
            assignment=assignment,
            assigned=lambda: worker.assigned_partitions,
            partitions=settings.kafka.partitions,
        )
        authorizations = Authorizations(
            rows=store.token_rows,
            used=lambda: assignment.mailboxes,
            wake=assignment.wake,
            clock=process.clock,
            reload_seconds=settings.fetcher.accounts_reload_seconds,
        )
        losses = Losses(pool, settings.kafka, process.clock, settings.fetcher.lost_records_seconds)
        async with mark:
            await side_by_side(
                worker.run(process.stop),
                assignment.run(process.stop),
                authorizations.run(process.stop),
                refetches.run(process.stop),
                losses.run(process.stop),
            )
    finally:
        await tokens.close()
        threads.shutdown(wait=False, cancel_futures=True)
        await pool.close()


def _resources(
    process: Process, store: PostgresStore, threads: Threads, mark: Mark
) -> SharedResources:
    settings = process.settings
    publisher = Publisher(
        producer=process.producer,
        blobs=BlobStore(settings.blobs.url, process.clock),
        health=process.health,
        inline_max_bytes=settings.fetcher.inline_max_bytes,
        archive_days=settings.blobs.archive_days,
    )
    return SharedResources(
        settings=settings.fetcher,
        store=store,
        publisher=publisher,
        refetches=RefetchQueue(
            transactions=store.transaction,
            publisher=publisher,
            progress=process.progress,
            clock=process.clock,
            settings=settings.fetcher,
        ),
        progress=process.progress,
        threads=threads,
        in_flight=InFlight(mark, settings.fetcher.threads),
        clock=process.clock,
    )


def _opener(threads: int, mailboxes: MailboxFactory) -> MailboxOpener:
    slots = max(1, threads // 2)
    return MailboxOpener(mailbox_for=mailboxes.mailbox_for, slots=asyncio.Semaphore(slots))


if __name__ == "__main__":
    run_process("fetcher", main)
