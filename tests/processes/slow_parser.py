"""A parser that waits before each batch, so that it can be killed with the batch in flight.

    python -m tests.processes.slow_parser guarded
    python -m tests.processes.slow_parser unguarded
    python -m tests.processes.slow_parser guarded each

Without its guard it commits a batch before the work: a batch in flight at its death is lost.
"""

from __future__ import annotations

import asyncio
import runpy
import sys
from collections.abc import Sequence

from postrail.records import MailFetched
from postrail.stream.guard import Guard
from postrail.stream.received import RawRecord, Received
from postrail.stream.worker import Worker
from services.parser.step import Parser

# It prints this when it has a batch in flight.
IN_HAND = "a batch is in hand"
WORK_SECONDS = 1.0
# Waits also for records that come one by one because a death left them in flight.
EACH = "each"

work = Worker._work
process = Parser.process


async def commit_first(worker: Worker[MailFetched], batch: Sequence[RawRecord]) -> None:
    """Switches off both guards: the commit comes first, and no batch in flight is recorded."""
    worker._guard = Guard(worker._reader)
    await worker._commit(batch)
    await work(worker, batch)


async def process_slowly(parser: Parser, batch: Sequence[Received[MailFetched]]) -> None:
    """Does the parser's work a second later; at once for records that a death left over."""
    print(IN_HAND, len(batch), flush=True)
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
