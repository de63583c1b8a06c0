"""The contract of every Mailbox: a test class to inherit, with a fixture `scene`."""

from __future__ import annotations

import contextlib
import hashlib
from typing import Protocol

import pytest

from postrail.mailbox import Mailbox, MailboxUnavailable
from postrail.mailbox.spool import CHUNK_BYTES


class MailboxScene(Protocol):
    """A mailbox that is not open yet, and access to the server behind it."""

    @property
    def mailbox(self) -> Mailbox:
        """Returns the mailbox under test."""

    def add(self, content: bytes) -> int:
        """Adds a message; returns its number."""

    def remove(self, uid: int) -> None:
        """Removes a message."""

    def seen(self) -> set[int]:
        """Returns the numbers of the messages that are marked as seen."""


class MailboxContract:
    """The tests; a subclass provides `scene`."""

    # POP3 does not report when a message came.
    reports_received_at = True

    def test_lists_messages_above_a_number_with_sizes(self, scene: MailboxScene) -> None:
        uids = [scene.add(content) for content in (b"A: 1\r\n\r\n", b"A: 22\r\n\r\n")]
        scene.mailbox.open()
        listed = scene.mailbox.list_after(0)
        assert [mail.uid for mail in listed] == uids
        assert [mail.size for mail in listed] == [8, 9]
        assert [mail.uid for mail in scene.mailbox.list_after(uids[0])] == uids[1:]
        assert scene.mailbox.list_after(uids[1]) == []

    def test_lists_without_sizes(self, scene: MailboxScene) -> None:
        uid = scene.add(b"A: 1\r\n\r\n")
        scene.mailbox.open()
        (listed,) = scene.mailbox.list_after(0, with_sizes=False)
        assert (listed.uid, listed.size) == (uid, None)

    def test_lists_what_it_holds_up_to_a_number(self, scene: MailboxScene) -> None:
        uids = [scene.add(b"A: %d\r\n\r\n" % number) for number in range(4)]
        scene.mailbox.open()
        scene.remove(uids[1])
        scene.mailbox.list_after(0)
        assert [mail.uid for mail in scene.mailbox.held(uids[2])] == [uids[0], uids[2]]
        assert scene.mailbox.held(0) == []

    def test_reads_in_order_without_marking(self, scene: MailboxScene) -> None:
        contents = [b"A: %d\r\n\r\n" % number for number in range(3)]
        uids = [scene.add(content) for content in contents]
        scene.mailbox.open()
        mails = scene.mailbox.read(uids)
        assert [mail.uid for mail in mails] == uids
        assert [mail.content for mail in mails] == contents
        for mail in mails:
            if self.reports_received_at:
                assert mail.received_at is not None
                assert mail.received_at.utcoffset() is not None
            else:
                assert mail.received_at is None
        assert scene.seen() == set()

    def test_leaves_out_removed_messages(self, scene: MailboxScene) -> None:
        uids = [scene.add(b"A: 1\r\n\r\n") for _ in range(2)]
        scene.mailbox.open()
        scene.remove(uids[0])
        scene.mailbox.list_after(0)
        assert [mail.uid for mail in scene.mailbox.read(uids)] == uids[1:]

    def test_marks_messages_and_lists_unfinished_ones(self, scene: MailboxScene) -> None:
        uids = [scene.add(b"A: 1\r\n\r\n") for _ in range(4)]
        scene.mailbox.open()
        scene.mailbox.finish(uids[1:2])
        assert scene.seen() == {uids[1]}
        left = scene.mailbox.unfinished_between(uids[0], uids[2])
        assert [mail.uid for mail in left] == [uids[0], uids[2]]

    def test_reads_the_header_alone(self, scene: MailboxScene) -> None:
        uid = scene.add(b"A: 1\r\n\r\n" + b"x" * 1000)
        scene.mailbox.open()
        (listed,) = scene.mailbox.list_after(0)
        header = scene.mailbox.read_header(listed)
        assert header is not None
        assert (header.uid, header.content, header.size) == (uid, b"A: 1\r\n\r\n", 1008)
        scene.remove(uid)
        scene.mailbox.list_after(0)
        assert scene.mailbox.read_header(listed) is None

    @pytest.mark.parametrize("size", [8, CHUNK_BYTES, 2 * CHUNK_BYTES + 7])
    def test_reads_a_large_message_to_disk(self, scene: MailboxScene, size: int) -> None:
        lines = (b"x" * 70 + b"\r\n") * (size // 72 + 1)
        content = (b"A: 1\r\n\r\n" + lines)[: size - 2] + b"\r\n"
        uid = scene.add(content)
        scene.mailbox.open()
        (listed,) = scene.mailbox.list_after(0)
        read = scene.mailbox.read_to_spool(listed)
        assert read is not None
        assert read.spool is not None
        with contextlib.closing(read):
            assert (read.uid, read.size) == (uid, size)
            assert b"".join(read.chunks()) == content
            assert read.spool.sha256 == hashlib.sha256(content).hexdigest()
        scene.remove(uid)
        scene.mailbox.list_after(0)
        assert scene.mailbox.read_to_spool(listed) is None

    def test_uidvalidity_stays_between_openings(self, scene: MailboxScene) -> None:
        first = scene.mailbox.open()
        scene.mailbox.close()
        assert scene.mailbox.open() == first

    def test_the_next_poll_sees_what_has_come_since(self, scene: MailboxScene) -> None:
        first = scene.add(b"A: 1\r\n\r\n")
        scene.mailbox.open()
        scene.mailbox.list_after(0)
        scene.mailbox.rest()
        second = scene.add(b"A: 2\r\n\r\n")
        if scene.mailbox.single_connection_polls:
            scene.mailbox.open()
        assert [mail.uid for mail in scene.mailbox.list_after(first)] == [second]

    def test_an_interrupted_mailbox_is_unavailable_and_closes(self, scene: MailboxScene) -> None:
        scene.mailbox.open()
        scene.mailbox.interrupt()
        with pytest.raises(MailboxUnavailable):
            scene.mailbox.list_after(0)
        scene.mailbox.close()
        scene.mailbox.close()
