"""A parser that is slow with each batch, so that it can be killed with a batch in flight.

    python -m tests.processes.faulty.slow_parser guarded
    python -m tests.processes.faulty.slow_parser unguarded
    python -m tests.processes.faulty.slow_parser guarded each

Without its guard it commits a batch before the work, so that its death loses the batch in flight.
"""

from __future__ import annotations

import asyncio
import runpy
import sys
from collections.abc import Sequence

from postrail.records import MailFetched
from postrail.stream.deaths.guard import Guard
from postrail.stream.received import RawRecord, Received
from postrail.stream.worker import Worker
from services.parser.step import Parser

# It prints this when a batch is in flight.
IN_FLIGHT = "a batch is in flight"
WORK_SECONDS = 1.0
# Be slow also with single records, which were in flight at earlier deaths.
EACH = "each"

work = Worker._work
process = Parser.process


async def commit_first(worker: Worker[MailFetched], batch: Sequence[RawRecord]) -> None:
    """Works without the guard and after the commit, so that records in flight are forgotten."""
    worker._guard = Guard(worker._reader)
    await worker._commit(batch)
    await work(worker, batch)


async def process_slowly(parser: Parser, batch: Sequence[Received[MailFetched]]) -> None:
    """Processes the batch after a second, or at once if it was in flight at a death."""
    print(IN_FLIGHT, len(batch), flush=True)
    if EACH in sys.argv or not batch[0].deaths:
        await asyncio.sleep(WORK_SECONDS)
    await process(parser, batch)


def main() -> None:
    """Runs the parser, guarded or not."""
    Parser.process = process_slowly  # type: ignore[method-assign, assignment]
    if sys.argv[1] == "unguarded":
        Worker._work = commit_first  # type: ignore[method-assign, assignment]
    runpy.run_module("services.parser", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
