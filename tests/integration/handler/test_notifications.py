"""Notifications are stored with their cause, in the order of the commits, as one message to all."""

from __future__ import annotations

import asyncio
import tracemalloc
from email import message_from_bytes
from email.message import Message

import pytest

from postrail.database import Connection, rows, transaction
from postrail.effects.notify import Announcement, NotificationOptions, notify
from postrail.errors import FatalError
from postrail.message_parts import Address
from postrail.notifications.assemble import assemble
from postrail.notifications.events import COMMENTED
from postrail.outgoing.content import content_of
from postrail.records import OutgoingQueued
from postrail.tracker import issues
from postrail.tracker.issues import Involvement, Watcher
from tests.fakes.originals import no_original
from tests.integration.handler.bench import Bench
from tests.makers.configuration import snapshot
from tests.makers.records import NOON, mail_parsed, verified

WATCHERS = 12
AGENT = Address(name="Agent", address="agent@example.com")
OPTIONS = NotificationOptions(
    snapshot=snapshot(), message_id_key=b"key", excerpt_max_characters=1000
)


async def watch(connection: Connection, issue_id: int, *people: Watcher) -> None:
    """Adds watchers, and thereby rows that refer to the issue."""
    await issues.record_involvements(
        connection,
        [
            Involvement(issue_id=issue_id, watchers=(one,), participants=(), arrived_at=None)
            for one in people
        ],
    )


async def watched_issue(bench: Bench) -> int:
    """Makes HELP-1, whose reporter and others watch it; returns its id."""
    await bench.handle(mail_parsed())
    ((issue_id,),) = await bench.rows("SELECT issue_id FROM issue_index")
    people = [
        Watcher(address=f"w{n:02}@example.org", name=f"Watcher {n}") for n in range(WATCHERS - 1)
    ]
    async with transaction(bench.pool) as connection:
        await watch(connection, issue_id, *people)
    return int(issue_id)


async def messages(bench: Bench, outgoing_id: str) -> dict[str, Message]:
    """Returns the messages of all deliveries, by recipient."""
    async with transaction(bench.pool) as connection:
        found = await rows(
            connection, "SELECT recipient FROM delivery WHERE outgoing_id = %s", [outgoing_id]
        )
        built = {}
        for (recipient,) in found:
            content = await content_of(connection, outgoing_id, recipient)
            assert content is not None
            built[recipient] = message_from_bytes(
                await assemble(content, None, bench.blobs, no_original)
            )
    return built


async def test_recipients_share_a_message_and_see_only_their_own_to(bench: Bench) -> None:
    await watched_issue(bench)
    await bench.handle(verified(mail_parsed(subject="Re: HELP-1", sender=AGENT, text="Water!")))
    queued = bench.sent(OutgoingQueued)[-1]
    assert len(queued.deliveries) == WATCHERS

    built = await messages(bench, queued.outgoing_id)

    assert len({mail["Message-ID"] for mail in built.values()}) == WATCHERS
    assert {one.message_id for one in queued.deliveries} == {
        mail["Message-ID"] for mail in built.values()
    }
    assert built["w03@example.org"].get_all("To") == ['"Watcher 3"\r\n <w03@example.org>']
    for recipient, mail in built.items():
        others = built.keys() - {recipient}
        whole = mail.as_string()
        assert not [other for other in others if other in whole]
        assert whole.count("Water!") >= 2  # in the text and in the HTML
    assert await bench.rows("SELECT count(*) FROM outgoing_mail") == [(2,)]


async def test_notifications_are_rows_before_their_records_are_sent(bench: Bench) -> None:
    bench.producer.acknowledge = False
    await bench.take_in(mail_parsed())
    with pytest.raises(FatalError):
        await bench.work()
    assert await bench.rows("SELECT recipient, state FROM delivery") == [
        ("ada@example.org", "queued")
    ]


async def test_notifications_of_an_issue_are_numbered_in_the_order_of_the_commits(
    bench: Bench,
) -> None:
    issue_id = await watched_issue(bench)
    second_begun, first_told = asyncio.Event(), asyncio.Event()

    async def tell(connection: Connection, cause: str) -> None:
        author = Watcher(address=f"{cause}@example.org", name="")
        await notify(connection, [announcement(issue_id, cause, author)], OPTIONS, NOON)

    async def second() -> None:
        async with transaction(bench.pool) as connection:
            # Both transactions have rows that refer to the issue before they notify.
            await watch(connection, issue_id, Watcher(address="second@example.org", name=""))
            second_begun.set()
            await first_told.wait()
            await tell(connection, "second")

    async with asyncio.timeout(20):
        running = asyncio.create_task(second())
        async with transaction(bench.pool) as connection:
            await second_begun.wait()
            await watch(connection, issue_id, Watcher(address="first@example.org", name=""))
            await tell(connection, "first")
            first_told.set()
            # A commit of the second now would show its message before the first one.
            done, _ = await asyncio.wait([running], timeout=0.5)
            assert not done
        await running

    assert await bench.rows(
        "SELECT cause FROM outgoing_mail WHERE cause NOT LIKE 'mail%' ORDER BY sequence"
    ) == [("first",), ("second",)]


def announcement(issue_id: int, cause: str, author: Watcher) -> Announcement:
    return Announcement(
        issue_id=issue_id, event=COMMENTED, cause=cause, author=author, body="Water!"
    )


async def test_issues_are_locked_in_order(bench: Bench) -> None:
    """Transactions that notify of two issues in different orders never wait for each other."""
    await bench.handle(mail_parsed(), mail_parsed())
    ids = [row[0] for row in await bench.rows("SELECT issue_id FROM issue_index ORDER BY 1")]
    author = Watcher(address="x@example.org", name="")

    async def tell(number: int) -> None:
        order = ids if number % 2 else ids[::-1]
        causes = [announcement(one, f"{number} on {one}", author) for one in order]
        async with transaction(bench.pool) as connection:
            await notify(connection, causes, OPTIONS, NOON)

    async with asyncio.timeout(30):
        await asyncio.gather(*(tell(number) for number in range(40)))
    assert await bench.rows("SELECT count(*) FROM outgoing_mail") == [(82,)]


async def test_a_large_comment_is_cut_and_the_issue_has_all_of_it(bench: Bench) -> None:
    await watched_issue(bench)
    text = "It burns. " * 300_000
    blob = await bench.blobs.put(text.encode())
    mail = mail_parsed(subject="Re: HELP-1", sender=AGENT, text="", text_blob=blob)
    await bench.take_in(verified(mail))
    tracemalloc.start()
    try:
        await bench.work()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    queued = bench.sent(OutgoingQueued)[-1]
    most = bench.settings.notifications.excerpt_max_characters
    assert most < len(queued.text) < most + 1000
    assert "This is only the beginning; HELP-1 has the whole text." in queued.text
    assert await bench.rows("SELECT body_blob FROM comment") == [(blob.sha256,)]
    # The text once in bytes and once as characters, and not for each of the recipients.
    assert peak < 4 * len(text), peak
