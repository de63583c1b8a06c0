"""Starts the handler: intake, work on due messages, the outbox sweeper and the housekeeping."""

from __future__ import annotations

from services import hold_stop_signals

if __name__ == "__main__":
    # Before the imports below, which take a second.
    hold_stop_signals()

from postrail.blobs import BlobStore
from postrail.database import Pool
from postrail.process import Process, run_process
from postrail.records import MailParsed
from postrail.secrets import Secrets
from postrail.stage import Stage, run_stage
from postrail.stream.intake import IntakeOffsets
from postrail.stream.topics import MAIL_PARSED
from postrail.timed_work.worker import TimedWork
from postrail.tracker.builtin.tracker import BuiltinTracker
from services.handler.absent_accounts import AccountReturns
from services.handler.housekeeping import Housekeeping
from services.handler.step import Handler
from services.handler.timed_work import WORK

GROUP = "handler"


async def main(process: Process) -> None:
    """Runs the handler until the process stops."""
    key = Secrets(process.settings.secrets).message_id_key()

    def stage(pool: Pool, offsets: IntakeOffsets) -> Stage[MailParsed]:
        blobs = BlobStore(process.settings.blobs.url, process.clock)
        handler = Handler(process, pool, BuiltinTracker(), offsets, blobs, key)
        housekeeping = Housekeeping(process, pool, blobs)
        returns = AccountReturns(process, pool)
        timed_work = TimedWork(process, pool, key, WORK)
        loops = (handler.run, housekeeping.run, returns.run, timed_work.run)
        return Stage(take_in=handler.take_in, loops=loops)

    await run_stage(process, MAIL_PARSED, GROUP, stage)


if __name__ == "__main__":
    run_process(GROUP, main)
