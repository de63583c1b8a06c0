"""Starts the handler: intake, work, the outbox sweeper and the housekeeping."""

from __future__ import annotations

from postrail.blobs import BlobStore
from postrail.database import open_pool, require_migrated
from postrail.instance import require_own
from postrail.process import Process, patiently, run_process
from postrail.secrets import Secrets
from postrail.stream.intake import IntakeOffsets
from postrail.stream.outbox import Sweeper
from postrail.stream.topics import MAIL_PARSED
from postrail.stream.worker import Worker
from postrail.tasks import side_by_side
from postrail.tracker.builtin.tracker import BuiltinTracker
from services.handler.housekeeping import Housekeeping
from services.handler.step import Handler

GROUP = "handler"


async def main(process: Process) -> None:
    """Runs the handler until the process stops."""
    settings, clock = process.settings, process.clock
    key = Secrets(settings.secrets).message_id_key()
    pool = await patiently(process, "database", lambda: open_pool(settings.database))
    if pool is None:
        return
    try:
        await require_migrated(pool)
        await require_own(pool, settings.instance, clock.now())
        offsets = IntakeOffsets(GROUP, MAIL_PARSED.name, pool)
        blobs = BlobStore(settings.blobs.url)
        handler = Handler(process, pool, BuiltinTracker(), offsets, blobs, key)
        worker = Worker(
            topic=MAIL_PARSED,
            group=GROUP,
            settings=settings.kafka,
            process=handler.take_in,
            producer=process.producer,
            health=process.health,
            clock=clock,
            positions=offsets,
        )
        sweeper = Sweeper(pool, process.producer, settings.outbox, clock)
        housekeeping = Housekeeping(process, pool, blobs)
        await side_by_side(
            worker.run(process.stop),
            handler.run(),
            sweeper.run(process.stop),
            housekeeping.run(),
        )
    finally:
        await pool.close()


if __name__ == "__main__":
    run_process(GROUP, main)
