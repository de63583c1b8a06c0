"""Starts the sender: intake, sending, the announcements and the outbox sweeper."""

from __future__ import annotations

from postrail.blobs import BlobStore
from postrail.database import Pool, open_pool, require_migrated
from postrail.instance import require_own
from postrail.process import Process, patiently, run_process
from postrail.secrets import Secrets
from postrail.stream.intake import IntakeOffsets
from postrail.stream.outbox import Sweeper
from postrail.stream.topics import OUTGOING_QUEUED
from postrail.stream.worker import Worker
from postrail.tasks import side_by_side
from services.sender.announcer import Announcer
from services.sender.channels import Channels, smtp_couriers
from services.sender.step import Sender

GROUP = "sender"


async def main(process: Process) -> None:
    """Runs the sender until the process stops."""
    pool = await patiently(process, "database", lambda: open_pool(process.settings.database))
    if pool is None:
        return
    try:
        await require_migrated(pool)
        await require_own(pool, process.settings.instance, process.clock.now())
        await run(process, pool)
    finally:
        await pool.close()


async def run(process: Process, pool: Pool) -> None:
    """All parts of the sender side by side; when one fails, all end."""
    settings, clock = process.settings, process.clock
    offsets = IntakeOffsets(GROUP, OUTGOING_QUEUED.name, pool)
    couriers = smtp_couriers(Secrets(settings.secrets), clock)
    announcer = Announcer(pool, process.producer)
    sender = Sender(
        process,
        pool,
        offsets,
        Channels(pool, clock, couriers),
        BlobStore(settings.blobs.url),
        announcer,
    )
    worker = Worker(
        topic=OUTGOING_QUEUED,
        group=GROUP,
        settings=settings.kafka,
        process=sender.take_in,
        producer=process.producer,
        health=process.health,
        clock=clock,
        positions=offsets,
    )
    sweeper = Sweeper(pool, process.producer, settings.outbox, clock)
    await side_by_side(
        worker.run(process.stop),
        sender.run(),
        announcer.run(process.stop),
        sweeper.run(process.stop),
    )


if __name__ == "__main__":
    run_process(GROUP, main)
