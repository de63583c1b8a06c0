"""sync_state in PostgreSQL: it only grows within a UIDVALIDITY and starts at 0 in another."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postrail.database import Pool, open_pool, rows, transaction
from postrail.errors import ConfigurationError
from postrail.incoming.fetched import (
    FetchedRow,
    UnreadableRow,
    acknowledged,
    fetched_since,
    has_unhandled,
    record_fetched,
    record_unreadable,
)
from postrail.mailbox_state import last_contact
from postrail.mailbox_state.sync_state import (
    Renumbered,
    SyncState,
    advance,
    begin,
    count_again,
)
from postrail.settings import Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    found = await open_pool(settings.database)
    yield found
    await found.close()


async def began(pool: Pool, uid_validity: int = 7, folder: str = "INBOX") -> SyncState:
    async with transaction(pool) as connection:
        return await begin(connection, "support", folder, uid_validity, NOW)


async def advanced(pool: Pool, state: SyncState) -> None:
    async with transaction(pool) as connection:
        await advance(connection, state, NOW)


async def test_a_new_folder_starts_at_0(pool: Pool) -> None:
    state = await began(pool)
    assert state == SyncState(mailbox="support", folder="INBOX", uid_validity=7)


async def test_it_never_moves_back(pool: Pool) -> None:
    state = await began(pool)
    await advanced(pool, replace(state, last_uid=50, finished_uid=40))
    # A process that was paused saves what it knew before.
    await advanced(pool, replace(state, last_uid=30, finished_uid=45))
    assert await began(pool) == replace(state, last_uid=50, finished_uid=45)


async def test_another_uidvalidity_starts_at_0_and_refuses_the_old_one(pool: Pool) -> None:
    old = await began(pool, 7)
    await advanced(pool, replace(old, last_uid=50))
    new = await began(pool, 8)
    assert (new.last_uid, new.finished_uid) == (0, 0)
    with pytest.raises(Renumbered):
        await advanced(pool, replace(old, last_uid=60))
    assert await began(pool, 8) == new


async def counted_again(pool: Pool, state: SyncState) -> SyncState:
    async with transaction(pool) as connection:
        return await count_again(connection, state, NOW)


async def test_a_server_that_counts_back_begins_a_generation_and_ends_older_sessions(
    pool: Pool,
) -> None:
    old = replace(await began(pool), last_uid=50, finished_uid=40)
    await advanced(pool, old)
    new = await counted_again(pool, old)
    assert new == replace(old, generation=1, last_uid=0, finished_uid=0)
    assert await began(pool) == new
    # A process that was paused, or has found the same at the same time.
    with pytest.raises(Renumbered):
        await advanced(pool, replace(old, last_uid=60))
    with pytest.raises(Renumbered):
        await counted_again(pool, old)
    await advanced(pool, replace(new, last_uid=3))
    assert (await began(pool)).last_uid == 3


async def test_a_generation_is_kept_when_the_uidvalidity_changes_and_comes_back(pool: Pool) -> None:
    await counted_again(pool, await began(pool, 7))
    assert (await began(pool, 8)).generation == 1
    assert (await began(pool, 7)).generation == 1


async def test_folders_of_a_mailbox_have_states_of_their_own(pool: Pool) -> None:
    await advanced(pool, replace(await began(pool), last_uid=50))
    assert (await began(pool, folder="Büro")).last_uid == 0


async def test_a_lost_row_ends_the_session(pool: Pool) -> None:
    state = SyncState(mailbox="support", folder="INBOX", uid_validity=7, last_uid=5)
    with pytest.raises(Renumbered):
        await advanced(pool, state)


async def test_unreadable_messages_are_failed_rows_and_not_acknowledged_ones(pool: Pool) -> None:
    unreadable = UnreadableRow(
        mail_id=str(uuid.uuid4()),
        mailbox="support",
        source="INBOX;uidvalidity=7;uid=1",
        size=12,
        reason="could not be fetched: refused",
        tried_at=NOW,
        again_at=NOW + timedelta(hours=6),
    )
    fetched = FetchedRow(
        mail_id=str(uuid.uuid4()),
        mailbox="support",
        source="INBOX;uidvalidity=7;uid=2",
        size=12,
        received_at=None,
        fetched_at=NOW,
        raw_partition=0,
        raw_offset=0,
        blob=None,
    )
    async with transaction(pool) as connection:
        await record_fetched(connection, [fetched])
        before = NOW - timedelta(seconds=1)
        assert await fetched_since(connection, "support", before) == 1
        assert await fetched_since(connection, "support", NOW) == 0
        assert await fetched_since(connection, "sales", before) == 0
        # A message that was read before keeps its row.
        again = replace(unreadable, mail_id=fetched.mail_id)
        await record_unreadable(connection, [unreadable, again])
        ids = [unreadable.mail_id, fetched.mail_id, str(uuid.uuid4())]
        assert await acknowledged(connection, ids) == {fetched.mail_id}
        found = await rows(
            connection,
            "SELECT mail_id::text, state, outcome, reason, handled_at FROM incoming_mail"
            " ORDER BY state DESC",
        )
        parked = await rows(
            connection, "SELECT mail_id::text, due_at, attempts, problem FROM refetch"
        )
    # The one that was read is not asked for again.
    again_at = NOW + timedelta(hours=6)
    assert parked == [(unreadable.mail_id, again_at, 1, "could not be fetched: refused")]
    assert found == [
        (fetched.mail_id, "fetched", None, None, None),
        (unreadable.mail_id, "failed", "failed", "could not be fetched: refused", NOW),
    ]


async def test_what_a_server_tells_of_an_unreadable_message_is_kept(pool: Pool) -> None:
    unreadable = UnreadableRow(
        mail_id=str(uuid.uuid4()),
        mailbox="support",
        source="INBOX;graph=1",
        size=12,
        reason="could not be fetched: (500 ErrorMimeContentConversionFailed)",
        tried_at=NOW,
        again_at=NOW + timedelta(hours=6),
        subject="Printer\0",
        sender="ada@example.net",
        message_id="<1@example.org>",
        received_at=NOW,
    )
    async with transaction(pool) as connection:
        await record_unreadable(connection, [unreadable])
        found = await rows(
            connection, "SELECT subject, sender, message_id, received_at FROM incoming_mail"
        )
    assert found == [("Printer", "ada@example.net", "<1@example.org>", NOW)]


async def test_the_time_until_which_a_mailbox_was_read_never_moves_back(pool: Pool) -> None:
    found = []
    async with transaction(pool) as connection:
        for read_until in (None, NOW, None, NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)):
            await last_contact.reached(connection, "support", NOW, read_until)
            found.append(await last_contact.read_until(connection, "support"))
        assert await last_contact.read_until(connection, "another") is None
    assert found == [None, NOW, NOW, NOW, NOW + timedelta(seconds=1)]


@pytest.mark.parametrize(
    ("state", "received", "expected"),
    [
        ("fetched", timedelta(seconds=-1), True),
        ("new", timedelta(seconds=-1), True),
        ("waiting", timedelta(seconds=-1), True),
        # Without a time of the server, that of the fetcher counts.
        ("new", None, False),
        ("new", timedelta(0), False),
        ("done", timedelta(seconds=-1), False),
        ("failed", timedelta(seconds=-1), False),
    ],
)
async def test_messages_before_a_time_without_an_outcome_are_found(
    pool: Pool, state: str, received: timedelta | None, expected: bool
) -> None:
    async with transaction(pool) as connection:
        await connection.execute(
            "INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, received_at,"
            " fetched_at) VALUES (%s, 'support', 'INBOX', %s, 1, %s, %s)",
            (uuid.uuid4(), state, NOW + received if received is not None else None, NOW),
        )
        assert await has_unhandled(connection, "support", NOW) is expected
        assert not await has_unhandled(connection, "another", NOW)


async def test_nul_is_removed_from_what_a_server_says(pool: Pool) -> None:
    """PostgreSQL refuses a text with NUL, so the fetcher would never get past the message."""
    unreadable = UnreadableRow(
        mail_id=str(uuid.uuid4()),
        mailbox="support",
        source="INBOX;uidl=1",
        size=1,
        reason="could not be fetched: \0gone",
        tried_at=NOW,
        again_at=NOW + timedelta(hours=6),
    )
    folders = ConfigurationError("there is no \0", setting="\0", remedy="there are: \0Trash")
    async with transaction(pool) as connection:
        await record_unreadable(connection, [unreadable])
        await last_contact.failed(connection, "support", folders, NOW)
        reasons = await rows(connection, "SELECT reason FROM incoming_mail")
        found = await last_contact.contacts(connection)
    assert reasons == [("could not be fetched: gone",)]
    assert found["support"].remedy == "there are: Trash"
