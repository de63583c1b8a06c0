"""Starts the sender: intake, sending, the announcements and the outbox sweeper."""

from __future__ import annotations

from services import hold_stop_signals

if __name__ == "__main__":
    # Before the imports below, which take a second.
    hold_stop_signals()

from contextlib import AbstractAsyncContextManager

from postrail.blobs import BlobStore
from postrail.clock import Clock
from postrail.database import Connection, Pool, transaction
from postrail.oauth.authorizations import Authorizations
from postrail.oauth.token_table import TokenRow, all_rows
from postrail.oauth.tokens import AccessTokens
from postrail.process import Process, run_process
from postrail.records import OutgoingQueued
from postrail.secrets import Secrets
from postrail.stage import Stage, run_stage
from postrail.stream.intake import IntakeOffsets
from postrail.stream.topics import OUTGOING_QUEUED
from postrail.timed_work.worker import TimedWork
from postrail.timers.queue import TimerKind
from services.sender.alerts.faults import Alerts
from services.sender.alerts.held import held_work
from services.sender.alerts.tell import Teller
from services.sender.alerts.unreached import unreached_work
from services.sender.announcer import Announcer
from services.sender.channels import RELOAD_SECONDS, Channels, couriers
from services.sender.step import Sender
from services.sender.webhooks.targets import Targets
from services.sender.webhooks.worker import Webhooks

GROUP = "sender"


async def main(process: Process) -> None:
    """Runs the sender until the process stops."""
    settings, clock = process.settings, process.clock

    def stage(pool: Pool, offsets: IntakeOffsets) -> Stage[OutgoingQueued]:
        secrets = Secrets(settings.secrets)

        def transactions() -> AbstractAsyncContextManager[Connection]:
            return transaction(pool)

        tokens = AccessTokens(transactions, secrets, clock)
        channels = Channels(pool, clock, couriers(secrets, tokens, transactions, clock))
        announcer = Announcer(pool, process.producer)
        blobs = BlobStore(settings.blobs.url)
        key = secrets.message_id_key()
        teller = Teller(
            message_id_key=key,
            address=settings.sender.alert_address,
            webhook=bool(settings.sender.alert_webhook.get_secret_value()),
        )
        alerts = Alerts(channels, teller)
        work = {
            TimerKind.UNREACHED: unreached_work(teller),
            TimerKind.HELD: held_work(teller),
        }
        people = TimedWork(process, pool, key, work)
        webhooks = Webhooks(pool, clock, Targets(settings.sender, secrets))
        authorizations = _authorizations(pool, channels, clock)
        sender = Sender(process, pool, offsets, channels, blobs, announcer, alerts)
        return Stage(
            take_in=sender.take_in,
            loops=(
                lambda: _until_closed(sender, tokens),
                lambda: announcer.run(process.stop),
                people.run,
                lambda: webhooks.run(process.stop),
                lambda: authorizations.run(process.stop),
            ),
        )

    await run_stage(process, OUTGOING_QUEUED, GROUP, stage)


def _authorizations(pool: Pool, channels: Channels, clock: Clock) -> Authorizations:
    """Returns what follows the tokens of all connections."""

    async def read() -> list[TokenRow]:
        async with transaction(pool) as connection:
            return await all_rows(connection, "connections")

    return Authorizations(
        rows=read,
        used=lambda: channels.snapshot.connections,
        wake=channels.wake,
        clock=clock,
        reload_seconds=RELOAD_SECONDS,
    )


async def _until_closed(sender: Sender, tokens: AccessTokens) -> None:
    """Runs the sender; then waits for tokens that are being renewed, which must not be lost."""
    try:
        await sender.run()
    finally:
        await tokens.close()


if __name__ == "__main__":
    run_process(GROUP, main)
