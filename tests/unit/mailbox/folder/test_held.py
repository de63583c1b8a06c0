"""Older messages than the account asks for are listed when it asks for an earlier day."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from postrail.clock import SystemClock
from services.fetcher.reading.batch_read import Suspects
from services.fetcher.reconcile import fetch_missed
from services.fetcher.step import Fetch
from tests.fakes.fetching import Neighbours, poll
from tests.fakes.ledgers import MemoryLedger
from tests.makers.folders import Folder, mailbox_on

DAY = 86400.0


# The time of messages in an mbox is in the file, and this test writes the same for all.
@pytest.mark.parametrize("kind", ["maildir", "eml"])
async def test_a_backfill_fetches_messages_from_before_only_after(
    kind: str, tmp_path: Path
) -> None:
    """They were not numbered before, so their numbers are above all that were read."""
    folder, ledger, neighbours = Folder(kind, tmp_path), MemoryLedger(), Neighbours()
    folder.add(b"Subject: old\n\n", age_seconds=90 * DAY)
    folder.add(b"Subject: new\n\n", age_seconds=DAY)
    today = SystemClock().now().date()
    for days, since, subjects in [
        (30, None, [b"new"]),
        # With the account's own day there are no others.
        (30, 30, [b"new"]),
        (30, 180, [b"new", b"old"]),
        (30, 180, [b"new", b"old"]),
    ]:
        mailbox = mailbox_on(folder, ledger, only_after=today - timedelta(days=since or days))
        state = await neighbours.store.begin("support", "INBOX", 0)
        fetch = Fetch(neighbours.resources, mailbox, state, Suspects())
        if since is None:
            await poll(fetch)
        else:
            assert (await fetch_missed(fetch, neighbours.store, 100)).finished
        mailbox.close()
        found = [record.body or b"" for record in neighbours.producer.records]
        assert [body.split()[1] for body in found] == subjects
    neighbours.close()


async def test_a_message_that_just_came_is_not_missed(tmp_path: Path) -> None:
    """It is fetched as new, and does not raise an alarm."""
    folder, ledger = Folder("eml", tmp_path), MemoryLedger()
    folder.add(b"Subject: one\n\n", age_seconds=DAY)
    mailbox = mailbox_on(folder, ledger)
    mailbox.list_after(0)
    folder.add(b"Subject: two\n\n", age_seconds=60)
    assert [mail.uid for mail in mailbox.held(1)] == [1]
    # Numbered before, and left for the next poll because of max_mails_per_poll.
    assert [mail.uid for mail in mailbox.held(0)] == []
    mailbox.close()
