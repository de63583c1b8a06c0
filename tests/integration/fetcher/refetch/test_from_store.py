"""Requests are served from each place that may keep a message's bytes, and only from its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from postrail.blobs import BlobStore
from postrail.errors import TransientError
from postrail.records import BlobReference
from postrail.settings import Settings
from tests.integration.fetcher.refetch.scene import ROW, Scene, opened, sha256
from tests.makers.records import mail_parsed

MAIL = b"Subject: Printer\r\n\r\nIt burns.\r\n"
OTHER = b"Subject: Another\r\n\r\nNot mine.\r\n"
LARGE = b"Subject: Large\r\n\r\n" + b"x" * 300_000


@pytest.fixture
async def scene(settings: Settings) -> AsyncIterator[Scene]:
    async with opened(settings) as found:
        yield found


@pytest.fixture
async def archiving(settings: Settings) -> AsyncIterator[Scene]:
    async with opened(settings, archive_days=3) as found:
        yield found


async def require_published_again(scene: Scene, mail_id: str, content: bytes) -> None:
    """Checks that the row names a new record with the content, and that no request is left."""
    record = await scene.record_of(mail_id)
    assert record.mail_id == mail_id
    kept = record.body if record.blob is None else await scene.blobs.get(record.blob.sha256)
    assert kept == content
    assert await scene.rows("SELECT 1 FROM refetch") == []


async def test_a_failed_message_is_published_again_from_its_record(scene: Scene) -> None:
    first, second = await scene.fetched(MAIL, OTHER)
    await scene.failed(first)
    await scene.request(first)
    scene.clock.move(60)
    assert await scene.refetches.serve()
    await require_published_again(scene, first, MAIL)
    assert await scene.rows(ROW, first) == [("fetched", 1, "failed", "no right")]
    assert await scene.rows(
        "SELECT raw_offset, refetched_at - fetched_at = interval '60 s' FROM incoming_mail"
        " WHERE mail_id = %s",
        first,
    ) == [(2, True)]
    # It is not counted as fetched once more.
    assert scene.progress.outcomes == []
    assert not await scene.refetches.serve()
    assert await scene.rows("SELECT raw_offset FROM incoming_mail WHERE mail_id = %s", second) == [
        (1,)
    ]


async def test_a_message_that_kafka_lost_comes_from_the_archive(archiving: Scene) -> None:
    scene = archiving
    (lost,) = await scene.fetched(MAIL)
    await scene.topic_made_anew()
    # Another message has its place in the new topic.
    (other,) = await scene.fetched(OTHER)
    await scene.request(lost)
    await scene.refetches.serve()
    await require_published_again(scene, lost, MAIL)
    assert await scene.rows(ROW, lost) == [("fetched", 0, None, None)]
    await require_published_again(scene, other, OTHER)


async def test_a_large_message_that_kafka_lost_comes_from_the_archive(archiving: Scene) -> None:
    (lost,) = await archiving.fetched(LARGE)
    await archiving.topic_made_anew()
    await archiving.blobs.delete(sha256(LARGE))
    await archiving.request(lost)
    await archiving.refetches.serve()
    await require_published_again(archiving, lost, LARGE)


@pytest.mark.parametrize("parsed", [False, True])
async def test_a_large_message_that_kafka_lost_comes_from_its_blob(
    scene: Scene, parsed: bool
) -> None:
    (lost,) = await scene.fetched(LARGE)
    if parsed:
        reference = BlobReference(sha256=sha256(LARGE), size=len(LARGE))
        await scene.failed(lost, mail_parsed(mail_id=lost, raw_blob=reference))
    await scene.topic_made_anew()
    await scene.request(lost)
    await scene.refetches.serve()
    await require_published_again(scene, lost, LARGE)


async def test_an_unparsed_message_comes_from_its_row(scene: Scene) -> None:
    (lost,) = await scene.fetched(MAIL)
    await scene.failed(lost, mail_parsed(mail_id=lost, error="no", raw=MAIL))
    await scene.topic_made_anew()
    await scene.request(lost)
    await scene.refetches.serve()
    await require_published_again(scene, lost, MAIL)


async def test_a_message_that_nothing_keeps_is_left_to_its_mailbox(scene: Scene) -> None:
    (lost,) = await scene.fetched(MAIL)
    await scene.topic_made_anew()
    (other,) = await scene.fetched(OTHER)
    await scene.request(lost)
    await scene.refetches.serve()
    assert await scene.rows("SELECT only_in_mailbox FROM refetch") == [(True,)]
    assert await scene.rows(ROW, lost) == [("fetched", 0, None, None)]
    assert await scene.rows("SELECT count(*) FROM incoming_mail WHERE raw_offset > 0") == [(0,)]
    await require_published_here(scene, other)
    # Its watch is woken once, so that the pauses after a fault hold.
    for _ in range(3):
        assert not await scene.refetches.serve()
    assert scene.watches.woken == ["support"]


async def require_published_here(scene: Scene, mail_id: str) -> None:
    assert (await scene.record_of(mail_id)).mail_id == mail_id


async def test_a_blob_with_another_content_is_not_taken(scene: Scene) -> None:
    (lost,) = await scene.fetched(LARGE)
    await scene.topic_made_anew()
    reference = BlobReference(sha256=sha256(LARGE), size=len(LARGE))
    await scene.blobs.put_chunks(reference, [LARGE[:-1] + b"y"])
    await scene.request(lost)
    await scene.refetches.serve()
    assert await scene.rows("SELECT only_in_mailbox FROM refetch") == [(True,)]


async def test_a_retried_message_of_which_only_the_header_is_kept_is_left_to_its_mailbox(
    scene: Scene,
) -> None:
    """Its account may allow larger messages by now."""
    (lost,) = await scene.fetched(MAIL, full_size=5_000_000)
    await scene.failed(lost, mail_parsed(mail_id=lost, error="too large"))
    await scene.request(lost)
    await scene.refetches.serve()
    assert await scene.rows("SELECT only_in_mailbox FROM refetch") == [(True,)]


@pytest.mark.parametrize("state", ["new", "waiting", "done"])
async def test_a_message_past_fetched_is_left_alone(scene: Scene, state: str) -> None:
    (mail_id,) = await scene.fetched(MAIL)
    await scene.request(mail_id)
    await scene.change("UPDATE incoming_mail SET state = %s", state)
    assert not await scene.refetches.serve()
    assert await scene.rows(ROW, mail_id) == [(state, 0, None, None)]
    assert await scene.rows("SELECT 1 FROM refetch") == []


async def test_a_message_that_failed_again_needs_another_request(scene: Scene) -> None:
    """The process was killed after its record was published: the request is fulfilled."""
    (mail_id,) = await scene.fetched(MAIL)
    await scene.failed(mail_id)
    await scene.request(mail_id)
    await scene.change("UPDATE incoming_mail SET revision = 2")
    assert not await scene.refetches.serve()
    assert await scene.rows(ROW, mail_id) == [("failed", 2, "failed", "no right")]


async def test_requests_are_served_in_the_order_of_arrival(scene: Scene) -> None:
    mail_ids = await scene.fetched(*[b"Subject: %d\r\n\r\n" % number for number in range(9)])
    for arrival, mail_id in enumerate(reversed(mail_ids)):
        await scene.failed(mail_id)
        await scene.change(
            "UPDATE incoming_mail SET arrival = %s WHERE mail_id = %s", arrival, mail_id
        )
    await scene.request(*mail_ids)
    await scene.refetches.serve()
    found = await scene.rows("SELECT mail_id::text FROM incoming_mail ORDER BY raw_offset")
    assert [mail_id for (mail_id,) in found] == list(reversed(mail_ids))


async def test_a_message_of_a_removed_account_is_published_from_what_is_kept(scene: Scene) -> None:
    (mail_id,) = await scene.fetched(MAIL)
    await scene.failed(mail_id)
    scene.watches.enabled = frozenset()
    await scene.request(mail_id)
    await scene.refetches.serve()
    await require_published_again(scene, mail_id, MAIL)


async def test_a_message_in_a_disabled_mailbox_only_waits_until_it_is_enabled(
    scene: Scene,
) -> None:
    (lost,) = await scene.fetched(MAIL)
    await scene.topic_made_anew()
    scene.watches.enabled = frozenset()
    await scene.request(lost)
    for _ in range(3):
        await scene.refetches.serve()
    ((state, revision, _, reason),) = await scene.rows(ROW, lost)
    assert (state, revision) == ("failed", 0)
    assert "only in the mailbox support, whose mail account is not enabled" in reason
    assert await scene.rows("SELECT held FROM refetch") == [(True,)]
    assert scene.watches.woken == []
    scene.watches.enabled = frozenset({"support"})
    scene.clock.move(60)
    await scene.refetches.serve()
    assert await scene.rows("SELECT held, only_in_mailbox, due_at FROM refetch") == [
        (False, True, scene.clock.now())
    ]
    await scene.refetches.serve()
    assert scene.watches.woken == ["support"]


async def test_a_retry_works_with_the_parsed_form_where_the_bytes_are_out_of_reach(
    scene: Scene,
) -> None:
    (lost,) = await scene.fetched(MAIL)
    await scene.failed(lost, mail_parsed(mail_id=lost))
    await scene.topic_made_anew()
    scene.watches.enabled = frozenset()
    await scene.request(lost)
    for _ in range(2):
        await scene.refetches.serve()
    assert await scene.rows(ROW, lost) == [("new", 1, "failed", "no right")]
    assert await scene.rows("SELECT due_at FROM incoming_mail") == [(scene.clock.now(),)]
    assert await scene.rows("SELECT 1 FROM refetch") == []


async def test_accounts_that_are_not_read_yet_hold_nothing(scene: Scene) -> None:
    (mail_id,) = await scene.fetched(MAIL)
    await scene.request(mail_id)
    await scene.change("UPDATE refetch SET only_in_mailbox = true")
    scene.watches.enabled = None
    assert not await scene.refetches.serve()
    assert await scene.rows("SELECT held FROM refetch") == [(False,)]


@pytest.mark.logs_errors("a mail cannot be published again", "mail is still not delivered")
async def test_a_message_with_a_fault_of_its_own_does_not_stop_the_others(scene: Scene) -> None:
    broken, good = await scene.fetched(MAIL, OTHER)
    # The bytes in its row do not decode, and its record is gone.
    await scene.change(
        "UPDATE incoming_mail SET state = 'failed', raw_offset = 99, parsed = %b"
        " WHERE mail_id = %s",
        b"no record",
        broken,
    )
    await scene.request(broken, good)
    await scene.refetches.serve()
    await require_published_here(scene, good)
    assert await scene.rows("SELECT raw_offset FROM incoming_mail WHERE mail_id = %s", good) == [
        (2,)
    ]
    ((mail_id, due_at, problem),) = await scene.rows(
        "SELECT mail_id::text, due_at, problem FROM refetch"
    )
    assert (mail_id, due_at) == (broken, scene.clock.now() + timedelta(minutes=15))
    assert "UndecodableError" in problem


def no_blob_of(monkeypatch: pytest.MonkeyPatch, *contents: bytes) -> None:
    """Has the blob store refuse to give these contents."""
    read_into = BlobStore.read_into

    async def refuse(store: BlobStore, digest: str, *arguments: Any) -> Any:
        if digest in map(sha256, contents):
            raise TransientError("the blob store is unavailable")
        return await read_into(store, digest, *arguments)

    monkeypatch.setattr(BlobStore, "read_into", refuse)


@pytest.mark.parametrize("batch", [1, 50])
async def test_messages_that_a_part_refuses_wait_while_others_are_published(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    scene.serve_at_most(batch)
    refused = await scene.fetched(LARGE, LARGE + b"1", LARGE + b"2")
    good = await scene.fetched(MAIL, OTHER)
    no_blob_of(monkeypatch, LARGE, LARGE + b"1", LARGE + b"2")
    await scene.request(*refused)
    scene.clock.move(1)
    await scene.request(*good)
    for _ in range(12):
        # The first ones look like a part that is unavailable, until one after them can be had.
        with contextlib.suppress(TransientError):
            await scene.refetches.serve()
    left = await scene.rows("SELECT mail_id::text FROM refetch ORDER BY mail_id")
    assert [mail_id for (mail_id,) in left] == sorted(refused)
    # The last one alone is tried on and on: it keeps nobody waiting.
    waiting = await scene.rows("SELECT due_at, problem FROM refetch WHERE problem <> ''")
    assert len(waiting) == (2 if batch == 1 else 3)
    later = scene.clock.now() + timedelta(minutes=10)
    assert set(waiting) == {(later, "the blob store is unavailable.")}
    for mail_id in good:
        await require_published_here(scene, mail_id)
    assert await scene.rows("SELECT DISTINCT state FROM incoming_mail") == [("fetched",)]
    assert await scene.rows("SELECT max(raw_offset) FROM incoming_mail") == [(6,)]


async def test_nothing_is_put_off_while_a_part_is_unavailable(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.serve_at_most(2)
    contents = [LARGE + b"%d" % number for number in range(5)]
    mail_ids = await scene.fetched(*contents)
    await scene.request(*mail_ids)
    in_order = await scene.rows("SELECT mail_id FROM refetch ORDER BY sequence")
    with monkeypatch.context() as unavailable:
        no_blob_of(unavailable, *contents)
        for _ in range(9):
            with pytest.raises(TransientError):
                await scene.refetches.serve()
    assert await scene.rows("SELECT DISTINCT due_at FROM refetch") == [(scene.clock.now(),)]
    while await scene.refetches.serve():
        pass
    assert in_order == await scene.rows("SELECT mail_id FROM incoming_mail ORDER BY raw_offset")


async def test_an_unavailable_part_is_waited_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.fetcher.refetch.from_store.POLL_SECONDS", 0.01)
    (mail_id,) = await scene.fetched(MAIL)
    await scene.failed(mail_id)
    await scene.topic_made_anew()
    faults = [TransientError("the blob store is unavailable") for _ in range(3)]
    archived = BlobStore.read_archived

    async def read_archived(*arguments: Any) -> bool:
        if faults:
            raise faults.pop()
        return await archived(*arguments)

    monkeypatch.setattr(BlobStore, "read_archived", read_archived)
    await scene.request(mail_id)
    stop = asyncio.Event()
    serving = asyncio.create_task(scene.refetches.run(stop))
    # Only then it is known that nothing but the mailbox has it.
    async with asyncio.timeout(20):
        # There is no event to wait for.
        while not await scene.rows(  # noqa: ASYNC110
            "SELECT 1 FROM refetch WHERE only_in_mailbox"
        ):
            await asyncio.sleep(0.05)
    assert faults == []
    stop.set()
    await serving
