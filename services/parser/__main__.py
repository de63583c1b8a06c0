"""Starts the parser: a worker that consumes mail.fetched, with the blob store."""

from __future__ import annotations

from services import hold_stop_signals

if __name__ == "__main__":
    # Before the imports below, which take a second.
    hold_stop_signals()

from postrail.blobs import BlobStore
from postrail.process import Process, run_process
from postrail.stream.topics import MAIL_FETCHED
from postrail.stream.worker import Worker
from services.parser.step import Parser

GROUP = "parser"


async def main(process: Process) -> None:
    """Runs the parser until the process stops."""
    settings = process.settings
    await process.clock_sync.wait()
    parser = Parser(
        blobs=BlobStore(settings.blobs.url, process.clock),
        producer=process.producer,
        progress=process.progress,
        clock=process.clock,
        inline_max_bytes=settings.parser.inline_max_bytes,
    )
    worker = Worker(
        topic=MAIL_FETCHED,
        group=GROUP,
        settings=settings.kafka,
        process=parser.process,
        producer=process.producer,
        health=process.health,
        clock=process.clock,
        # Deaths are counted in the offsets' metadata, since the parser has no table for them.
        guarded=True,
    )
    await worker.run(process.stop)


if __name__ == "__main__":
    run_process(GROUP, main)
