"""The mailbox in memory behaves as real ones do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.mailbox import MailboxContract
from tests.fakes.mailboxes import MemoryMailbox, MemoryServer


class MemoryScene:
    """A server in memory and a mailbox on it."""

    def __init__(self) -> None:
        self._server = MemoryServer()
        self.mailbox = MemoryMailbox(self._server)

    def add(self, content: bytes) -> int:
        self._server.add(content)
        return max(self._server.mails)

    def remove(self, uid: int) -> None:
        del self._server.mails[uid]

    def seen(self) -> set[int]:
        return self._server.seen


class TestMemoryMailbox(MailboxContract):
    """The contract, in memory."""

    @pytest.fixture
    def scene(self) -> Iterator[MemoryScene]:
        found = MemoryScene()
        yield found
        found.mailbox.close()
