"""Finishes messages in their mailbox after the download: marks, moves or removes them."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.mailbox import ListedMail, Mailbox, MailUnreadable
from postrail.observe.log import log
from services.fetcher.threads import Threads

logger = log("fetcher")


class Finisher:
    """Finishes messages of one open mailbox; a server that refuses only gets a warning logged."""

    def __init__(self, mailbox: Mailbox, threads: Threads, name: str) -> None:
        self._mailbox = mailbox
        self._threads = threads
        self._name = name
        # Messages were finished that the server changes only at the next `rest` (POP3).
        self.pending = False

    async def unfinished_between(self, first: int, last: int) -> list[ListedMail]:
        """Returns the messages from `first` to `last` that are not finished."""
        return await self._threads.run(self._mailbox.unfinished_between, first, last)

    async def finish(self, uids: Sequence[int]) -> None:
        """Finishes recorded messages, as the account wants it."""
        try:
            if uids and not await self._threads.run(self._mailbox.finish, uids):
                self.pending = True
        except MailUnreadable as error:
            # The messages are safe in Kafka; the refusal must not stop the next ones.
            logger.warning(
                "mails stay in the mailbox as they are",
                mailbox=self._name,
                reason=str(error),
                uids=list(uids),
            )

    async def rest(self) -> None:
        """Releases the mailbox until the next poll; pending changes take effect."""
        await self._threads.run(self._mailbox.rest)
        self.pending = False
