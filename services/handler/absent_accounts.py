"""Lets messages wait whose mail account is not configured, and releases them when it is again.

The release compares the messages that wait with the configuration, so it does not matter how an
account has come back, nor whether a handler was running at that moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from postrail.configuration import store
from postrail.configuration.accounts.kind import MAIL_ACCOUNT
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection, Pool, transaction
from postrail.errors import TransientError
from postrail.incoming import awaited_accounts
from postrail.incoming.queue import DueMail
from postrail.observe.log import log
from postrail.process import Process
from postrail.tasks import set_within

logger = log(__name__)

RELEASE_SECONDS = 1.0


async def set_aside(
    connection: Connection,
    mails: Sequence[DueMail],
    snapshot: ConfigurationSnapshot,
    now: datetime,
    patience: timedelta,
) -> list[DueMail]:
    """Sets messages of absent accounts to waiting; returns the others, which can be decided.

    A message that has waited for `patience` is returned too: its decision is that it fails. Until
    it has that outcome its time stays over, in whatever batch it is decided.
    """
    absent = [due for due in mails if due.mail.mailbox not in snapshot.accounts]
    # The parser's fault is the reason whatever the account.
    absent = [due for due in absent if not due.mail.error]
    if not absent:
        return list(mails)
    since = await awaited_accounts.waiting_since(connection, [due.mail.mail_id for due in absent])
    until = {due.mail.mail_id: since.get(due.mail.mail_id, now) + patience for due in absent}
    waiting = [due for due in absent if until[due.mail.mail_id] > now]
    await awaited_accounts.wait_for_account(
        connection,
        {due.mail.mail_id: until[due.mail.mail_id] for due in waiting},
        {due.mail.mail_id: _reason(due, until[due.mail.mail_id]) for due in waiting},
        now,
    )
    for mailbox, count in Counter(due.mail.mailbox for due in waiting).items():
        logger.warning("mails wait for their account", mailbox=mailbox, count=count)
    aside = {due.mail.mail_id for due in waiting}
    return [due for due in mails if due.mail.mail_id not in aside]


def _reason(due: DueMail, until: datetime) -> str:
    return (
        f"mail account {due.mail.mailbox} is not configured: add it again with postrail apply;"
        f" the message waits for it until {until:%Y-%m-%d %H:%M %Z}, and then fails"
    )


class AccountReturns:
    """Releases the messages whose account is configured again."""

    def __init__(self, process: Process, pool: Pool) -> None:
        self._process = process
        self._pool = pool

    async def run(self) -> None:
        """Compares every second until the process stops; waits for an unavailable database."""
        while not self._process.stop.is_set():
            try:
                await self.release()
            except TransientError as error:
                logger.warning("waiting mails not compared with accounts", reason=str(error))
            await set_within(self._process.stop, RELEASE_SECONDS)

    async def release(self) -> None:
        """Makes the messages due whose accounts have come back."""
        async with transaction(self._pool) as connection:
            for mailbox in await awaited_accounts.awaited_accounts(connection):
                if await store.exists(connection, MAIL_ACCOUNT, mailbox):
                    now = self._process.clock.now()
                    count = await awaited_accounts.release(connection, mailbox, now)
                    logger.info("account is back, its mails go on", mailbox=mailbox, count=count)
