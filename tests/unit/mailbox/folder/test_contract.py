"""Each kind of folder fulfils the contract of mailboxes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postrail.clock import SystemClock
from postrail.mailbox.folder.mailbox import FolderMailbox
from tests.contracts.mailbox import MailboxContract, MailboxScene
from tests.fakes.ledgers import MemoryLedger
from tests.makers.folders import KINDS, Folder, mailbox_on


class FolderScene:
    """A folder; a second mailbox with the same ledger returns the numbers."""

    def __init__(self, kind: str, base: Path) -> None:
        self.folder = Folder(kind, base)
        self._ledger = MemoryLedger()
        self._contents: dict[int, bytes] = {}
        self.mailbox = FolderMailbox(self.folder.account(), self._ledger, SystemClock())

    def _uids(self) -> list[int]:
        other = mailbox_on(self.folder, self._ledger)
        uids = [mail.uid for mail in other.list_after(0)]
        other.close()
        return uids

    def add(self, content: bytes) -> int:
        self.folder.add(content)
        uid = max(self._uids())
        self._contents[uid] = content
        return uid

    def remove(self, uid: int) -> None:
        self.folder.remove(self._contents[uid])

    def seen(self) -> set[int]:
        if self.folder.kind != "maildir":
            return set()
        other = mailbox_on(self.folder, self._ledger)
        left = {mail.uid for mail in other.unfinished_between(0, 1000)}
        other.close()
        return set(self._uids()) - left


@pytest.mark.parametrize("kind", KINDS)
class TestFolderMailbox(MailboxContract):
    """The contract, on files."""

    @pytest.fixture
    def scene(self, kind: str, tmp_path: Path) -> Iterator[FolderScene]:
        found = FolderScene(kind, tmp_path)
        yield found
        found.mailbox.close()

    @pytest.fixture(autouse=True)
    def _without_marks(self, kind: str, request: pytest.FixtureRequest) -> None:
        if kind != "maildir" and "marks" in request.node.name:
            pytest.skip("such files cannot be marked; see the test of the ledger below")

    def test_leaves_out_removed_messages(self, scene: MailboxScene) -> None:
        # The contents differ, so that the message to be removed can be identified.
        uids = [scene.add(b"A: %d\r\n\r\n" % number) for number in range(2)]
        scene.mailbox.open()
        scene.remove(uids[0])
        scene.mailbox.list_after(0)
        assert [mail.uid for mail in scene.mailbox.read(uids)] == uids[1:]

    def test_reads_the_header_alone(self, scene: MailboxScene) -> None:
        # The last line ends, as an mbox would end it.
        uid = scene.add(b"A: 1\r\n\r\n" + b"x" * 998 + b"\r\n")
        scene.mailbox.open()
        (listed,) = scene.mailbox.list_after(0)
        header = scene.mailbox.read_header(listed)
        assert header is not None
        assert (header.uid, header.content, header.size) == (uid, b"A: 1\r\n\r\n", 1008)
        scene.remove(uid)
        scene.mailbox.list_after(0)
        assert scene.mailbox.read_header(listed) is None


@pytest.mark.parametrize("kind", ["eml", "mbox"])
def test_messages_that_cannot_be_marked_are_known_by_the_ledger(kind: str, tmp_path: Path) -> None:
    folder = Folder(kind, tmp_path)
    folder.add(b"A: 1\n\n")
    before = [(file.name, file.read_bytes()) for file in folder.path.parent.rglob("*.*")]
    mailbox = mailbox_on(folder, MemoryLedger())
    (mail,) = mailbox.list_after(0)
    assert mailbox.finish([mail.uid])
    assert mailbox.unfinished_between(1, mail.uid) == []
    assert mailbox.list_after(mail.uid) == []
    assert [(file.name, file.read_bytes()) for file in folder.path.parent.rglob("*.*")] == before
    mailbox.close()
