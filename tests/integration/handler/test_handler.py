"""The handler on real PostgreSQL: intake with offsets, due work, effects, outbox."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from typing import Any, cast

import pytest

from postrail.blobs import BlobStore
from postrail.clock import SettableClock
from postrail.configuration import store
from postrail.configuration.mail_account import MailAccount
from postrail.configuration.outgoing_connection import OutgoingConnection
from postrail.configuration.person import Person
from postrail.configuration.project import Project
from postrail.database import Pool, open_pool, rows, transaction
from postrail.effects.comment import add_comment
from postrail.errors import TransientError
from postrail.incoming import queue as incoming
from postrail.incoming.reply_parts import parts_from
from postrail.observe.health import Health
from postrail.process import Process
from postrail.records import Address, Attachment, MailHandled, MailParsed, OutgoingQueued
from postrail.settings import Settings
from postrail.stream import avro
from postrail.stream.intake import IntakeOffsets
from postrail.stream.received import OffsetGap
from postrail.tracker import TrackerUnavailable
from postrail.tracker.builtin.tracker import BuiltinTracker
from services.handler.step import Handler
from tests.fakes.streams import MemoryProducer
from tests.makers.parsing import contents, made
from tests.makers.records import NOON, mail_parsed, received


class Bench:
    """A handler with a real database and a producer in memory."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        self.pool = pool
        self.settings = settings
        self.clock = SettableClock()
        self.producer = MemoryProducer()
        self.tracker = FlakyTracker()
        self.blobs = BlobStore(settings.blobs.url)
        self.handler, self.offsets = self.another()
        self._offset = 0

    def another(self) -> tuple[Handler, IntakeOffsets]:
        process = Process(
            name="handler",
            settings=self.settings,
            clock=self.clock,
            health=Health(),
            producer=cast(Any, self.producer),
            progress=cast(Any, NoProgress()),
            stop=asyncio.Event(),
        )
        offsets = IntakeOffsets("handler", "mail.parsed", self.pool)
        return Handler(process, self.pool, self.tracker, offsets, self.blobs, b"key"), offsets

    async def arrive(self, raw: bytes) -> None:
        """Parses and handles a mail as it was sent."""
        parsed = made(raw, mail_id=str(uuid.uuid4()))
        for content in contents(parsed):
            await self.blobs.put(content)
        await self.handle(parsed.record)

    async def take_in(self, *mails: MailParsed) -> None:
        batch = [received(mail, self._offset + n) for n, mail in enumerate(mails)]
        self._offset += len(mails)
        await self.handler.take_in(batch)

    async def work(self) -> None:
        while await self.handler.work_batch():
            pass

    async def handle(self, *mails: MailParsed) -> None:
        await self.take_in(*mails)
        await self.work()

    async def rows(self, statement: str) -> list[Any]:
        async with transaction(self.pool) as connection:
            return await rows(connection, statement)

    async def outcomes(self) -> list[tuple[str, str, str | None]]:
        found = await self.rows(
            "SELECT state, outcome, issue_key FROM incoming_mail ORDER BY arrival"
        )
        return [(row[0], row[1], row[2]) for row in found]

    def sent(self, record_type: type[Any]) -> list[Any]:
        decoded = [avro.decode(entry.value) for entry in self.producer.sent]
        return [record for record in decoded if isinstance(record, record_type)]


class NoProgress:
    def count(self, *_: object, **__: object) -> None:
        """Figures are not looked at here."""


class FlakyTracker(BuiltinTracker):
    """The built-in tracker, which fails as a test says, by the summary of an issue."""

    def __init__(self) -> None:
        self.faults: dict[str, Exception] = {}

    async def create_issues(self, connection: Any, drafts: Any, now: Any) -> list[str]:
        for draft in drafts:
            if draft.summary in self.faults:
                raise self.faults[draft.summary]
        return await super().create_issues(connection, drafts, now)


async def configure(pool: Pool) -> None:
    things = [
        Project(key="HELP", name="Help desk"),
        Project(key="SALE", name="Sales"),
        OutgoingConnection(
            name="out", host="smtp.example.com", from_address="desk@example.com", is_default=True
        ),
        Person(address="agent@example.com", name="Agent"),
        account("support", "HELP"),
        account("info", "HELP"),
        account("sales", "SALE"),
    ]
    async with transaction(pool) as connection:
        for thing in things:
            await store.save(connection, thing, before=None, author="test", now=NOON)


def account(name: str, project: str) -> MailAccount:
    return MailAccount(
        name=name,
        host="imap.example.com",
        username=name,
        password="env:POSTRAIL_SECRET_X",
        address=f"{name}@example.com",
        project=project,
    )


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    pool = await open_pool(settings.database)
    await configure(pool)
    made = Bench(settings, pool)
    await made.offsets.stored([0])
    made.offsets.expect({0: None})
    yield made
    await pool.close()


async def test_a_mail_becomes_an_issue_and_its_reporter_is_told(bench: Bench) -> None:
    part = Attachment(
        name="fire.jpg",
        content_type="image/jpeg",
        size=3,
        sha256="ab",
        content_id=None,
        inline=False,
    )
    mail = mail_parsed(attachments=[part])
    await bench.handle(mail)
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]
    assert await bench.rows("SELECT summary, description, reporter_address FROM issue") == [
        ("Printer on fire", "It burns.", "ada@example.org")
    ]
    assert await bench.rows("SELECT issue_key, name, sha256 FROM attachment") == [
        ("HELP-1", "fire.jpg", "ab")
    ]
    (queued,) = bench.sent(OutgoingQueued)
    assert queued.recipients == ["ada@example.org"]
    assert b"HELP-1" in queued.message
    assert f"In-Reply-To: {mail.message_id}".encode() in queued.message
    (handled,) = bench.sent(MailHandled)
    assert (handled.outcome, handled.issue_key, handled.revision) == ("issue", "HELP-1", 1)
    assert await bench.rows("SELECT 1 FROM outbox") == []


async def test_an_answer_to_our_notification_becomes_a_comment_and_watchers_are_told(
    bench: Bench,
) -> None:
    await bench.handle(mail_parsed())
    (first,) = bench.sent(OutgoingQueued)
    agent = Address(name="Agent", address="agent@example.com")
    await bench.handle(
        mail_parsed(subject="Re: x", in_reply_to=[first.message_id], sender=agent, text="Water!")
    )
    assert (await bench.outcomes())[1] == ("done", "comment", "HELP-1")
    assert await bench.rows("SELECT author_address, body FROM comment") == [
        ("agent@example.com", "Water!")
    ]
    (_, told) = bench.sent(OutgoingQueued)
    assert told.recipients == ["ada@example.org"]
    assert told.conversation == first.conversation


async def test_a_reply_to_a_mail_that_we_know_becomes_a_comment(bench: Bench) -> None:
    first = mail_parsed()
    await bench.handle(first)
    await bench.handle(mail_parsed(references=[str(first.message_id)], subject="no key"))
    assert [outcome for _, outcome, _ in await bench.outcomes()] == ["issue", "comment"]


GMAIL = """Water!

On Thu, 1 Jan 2026 at 12:00, Help desk <desk@example.com> wrote:

"""
OUTLOOK = """Water!

From: Help desk <desk@example.com>
Sent: Thursday, January 1, 2026 12:00 PM
To: Ada <ada@example.org>
Subject: [HELP-1] Printer on fire

"""


def notification(bench: Bench) -> tuple[str, str]:
    """The Message-ID and the text of what we sent last."""
    mail = message_from_bytes(bench.sent(OutgoingQueued)[-1].message)
    content = cast(bytes, mail.get_payload(decode=True))
    return mail["Message-ID"], content.decode().replace("\r\n", "\n")


def reply(text: str, in_reply_to: str, sender: str = "agent@example.com", **fields: str) -> bytes:
    mail = EmailMessage()
    for name, value in {
        "From": sender,
        "To": "support@example.com",
        "Subject": "Re: [HELP-1] Printer on fire",
        "Message-ID": f"<{uuid.uuid4()}@example.com>",
        "In-Reply-To": in_reply_to,
        **fields,
    }.items():
        mail[name] = value
    mail.set_content(text)
    return mail.as_bytes()


@pytest.mark.parametrize(
    ("heading", "mark"),
    [
        # A line that says whom it quotes, and marks.
        (GMAIL, "> "),
        # A header block without marks.
        (OUTLOOK, ""),
        # A heading that no table knows: our marker tells.
        ("Water!\n\nDesk desk@example.com dixit:\n\n", ""),
    ],
)
async def test_a_comment_holds_what_is_new_and_what_it_quotes_apart(
    bench: Bench, heading: str, mark: str
) -> None:
    await bench.handle(mail_parsed())
    message_id, text = notification(bench)
    quoted = "\n".join(f"{mark}{line}" for line in text.splitlines())
    await bench.arrive(reply(f"{heading}{quoted}\n", message_id))
    ((body, quoted_text),) = await bench.rows("SELECT body, quoted_text FROM comment")
    assert body == "Water!"
    assert "we have your mail as HELP-1" in quoted_text
    told = notification(bench)[1]
    assert "Water!" in told
    assert "we have your mail" not in told


async def test_a_signature_is_kept_apart_too(bench: Bench) -> None:
    await bench.handle(mail_parsed())
    message_id, _ = notification(bench)
    await bench.arrive(reply("Water!\n\n-- \nAn Agent\nFire brigade\n", message_id))
    ((body, signature),) = await bench.rows("SELECT body, signature FROM comment")
    assert (body, signature) == ("Water!", "-- \nAn Agent\nFire brigade")


async def test_an_automatic_answer_is_a_comment_with_what_is_new(bench: Bench) -> None:
    await bench.handle(mail_parsed())
    message_id, _ = notification(bench)
    sent = len(bench.sent(OutgoingQueued))
    away = f"{GMAIL.replace('Water!', 'I am away.')}> It burns.\n"
    await bench.arrive(reply(away, message_id, **{"Auto-Submitted": "auto-replied"}))
    assert await bench.rows("SELECT body FROM comment") == [("I am away.",)]
    assert len(bench.sent(OutgoingQueued)) == sent


async def test_a_large_quotation_stays_in_its_blob(bench: Bench) -> None:
    await bench.handle(mail_parsed())
    message_id, _ = notification(bench)
    quoted = "> It still burns.\n" * 20_000
    await bench.arrive(reply(f"{GMAIL}{quoted}", message_id))
    ((body, body_blob, quoted_text, blob),) = await bench.rows(
        "SELECT body, body_blob, quoted_text, reply_blob FROM comment"
    )
    assert (body, body_blob, quoted_text) == ("Water!", None, "")
    assert quoted.strip() in parts_from(await bench.blobs.get(blob)).quoted_text
    assert "Water!" in notification(bench)[1]


async def test_a_blob_store_that_is_away_is_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.handle(mail_parsed())
    message_id, _ = notification(bench)

    async def away(*_: object) -> bytes:
        raise TransientError("the blob store does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(bench.blobs, "get", away)
        with pytest.raises(TransientError):
            await bench.arrive(reply(f"{GMAIL}{'> It burns.' * 20_000}", message_id))
    assert (await bench.rows("SELECT state FROM incoming_mail ORDER BY arrival"))[1] == ("new",)
    await bench.work()
    assert await bench.rows("SELECT body FROM comment") == [("Water!",)]


async def test_a_reply_with_nothing_new_is_never_an_empty_comment(bench: Bench) -> None:
    await bench.handle(mail_parsed())
    message_id, text = notification(bench)
    quoted = "".join(f"> {line}\n" for line in text.splitlines())
    await bench.arrive(reply(quoted, message_id))
    ((body,),) = await bench.rows("SELECT body FROM comment")
    assert "> we have your mail as HELP-1" in body


async def test_an_account_may_want_the_whole_text_as_the_comment(bench: Bench) -> None:
    before = account("support", "HELP")
    whole = before.model_copy(update={"strip_quotations": False})
    async with transaction(bench.pool) as connection:
        await store.save(connection, whole, before=before, author="test", now=NOON)
    await bench.handle(mail_parsed())
    message_id, _ = notification(bench)
    await bench.arrive(reply(f"{GMAIL}> It burns.\n", message_id))
    assert await bench.rows("SELECT body, quoted_text, reply_blob FROM comment") == [
        (f"{GMAIL}> It burns.", "", None)
    ]
    assert "> It burns." in notification(bench)[1]


async def test_a_new_issue_keeps_the_whole_text(bench: Bench) -> None:
    await bench.arrive(reply(f"{GMAIL}> It burns.\n", "<unknown@example.net>"))
    ((description,),) = await bench.rows("SELECT description FROM issue")
    assert description.strip() == f"{GMAIL}> It burns."


async def test_a_reply_that_comes_first_makes_the_issue_and_the_original_joins(
    bench: Bench,
) -> None:
    first = mail_parsed()
    await bench.handle(mail_parsed(in_reply_to=[str(first.message_id)]), first)
    assert await bench.outcomes() == [
        ("done", "issue", "HELP-1"),
        ("done", "comment", "HELP-1"),
    ]


async def test_a_key_alone_counts_from_a_participant_or_a_known_person_only(bench: Bench) -> None:
    await bench.handle(mail_parsed())
    agent = Address(name="", address="agent@example.com")
    stranger = Address(name="", address="mallory@example.net")
    await bench.handle(mail_parsed(subject="[HELP-1] more"))
    await bench.handle(mail_parsed(subject="[HELP-1] from an agent", sender=agent))
    strange = mail_parsed(subject="[HELP-1] from a stranger", sender=stranger)
    follows = mail_parsed(in_reply_to=[str(strange.message_id)], sender=stranger)
    await bench.handle(strange, follows)
    assert await bench.outcomes() == [
        ("done", "issue", "HELP-1"),
        ("done", "comment", "HELP-1"),
        ("done", "comment", "HELP-1"),
        ("done", "issue", "HELP-2"),
        ("done", "comment", "HELP-2"),
    ]
    assert await bench.rows("SELECT issue_key, linked_key FROM issue_link") == [
        ("HELP-2", "HELP-1")
    ]
    # What follows the stranger's mail stays with the stranger's issue, also at the same moment.
    await bench.handle(mail_parsed(in_reply_to=[str(strange.message_id)], sender=stranger))
    assert (await bench.outcomes())[-1] == ("done", "comment", "HELP-2")


async def test_automatic_mail_never_causes_an_answer(bench: Bench) -> None:
    first = mail_parsed()
    await bench.handle(first)
    sent = len(bench.sent(OutgoingQueued))
    agent = Address(name="", address="agent@example.com")
    for kind in ("auto_reply", "auto_generated", "bulk", "bounce"):
        await bench.handle(mail_parsed(kind=kind, sender=agent))
        await bench.handle(
            mail_parsed(kind=kind, in_reply_to=[str(first.message_id)], sender=agent)
        )
    assert len(bench.sent(OutgoingQueued)) == sent
    assert await bench.rows("SELECT address FROM watcher") == [("ada@example.org",)]


async def test_our_own_addresses_are_never_told(bench: Bench) -> None:
    await bench.handle(mail_parsed(sender=Address(name="", address="Support@example.com")))
    assert bench.sent(OutgoingQueued) == []


async def test_the_same_mail_twice_in_a_mailbox_has_one_effect(bench: Bench) -> None:
    first = mail_parsed(source="INBOX;uidvalidity=1;uid=1", message_id="<m@x>", fingerprint="f")
    again = mail_parsed(source="INBOX;uidvalidity=1;uid=2", message_id="<m@x>", fingerprint="f")
    await bench.handle(first, again)
    assert await bench.outcomes() == [
        ("done", "issue", "HELP-1"),
        ("done", "duplicate", "HELP-1"),
    ]


async def test_one_mail_in_two_mailboxes_of_a_project_is_one_issue_with_both_addresses(
    bench: Bench,
) -> None:
    for mailbox in ("support", "info", "sales"):
        await bench.handle(mail_parsed(mailbox=mailbox, message_id="<m@x>", fingerprint="f"))
    assert await bench.outcomes() == [
        ("done", "issue", "HELP-1"),
        ("done", "noted", "HELP-1"),
        ("done", "issue", "SALE-1"),
    ]
    assert await bench.rows(
        "SELECT address FROM issue_address WHERE issue_key = 'HELP-1' ORDER BY 1"
    ) == [("info@example.com",), ("support@example.com",)]


async def test_a_mail_without_subject_text_and_message_id_is_an_issue(bench: Bench) -> None:
    await bench.handle(mail_parsed(subject="", text="", message_id=None, sender=None))
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]
    assert await bench.rows("SELECT summary FROM issue") == [("(no subject)",)]


async def test_a_mail_that_could_not_be_parsed_fails_and_keeps_its_bytes(bench: Bench) -> None:
    await bench.handle(mail_parsed(error="too deep", raw=b"bytes"), mail_parsed())
    assert [state for state, _, _ in await bench.outcomes()] == ["failed", "done"]
    ((parsed,),) = await bench.rows("SELECT parsed FROM incoming_mail WHERE state = 'failed'")
    kept = avro.decode(bytes(parsed))
    assert isinstance(kept, MailParsed)
    assert kept.raw == b"bytes"


async def test_a_record_that_comes_again_does_nothing(bench: Bench) -> None:
    mail = mail_parsed()
    await bench.handle(mail)
    await bench.handle(mail)
    await bench.handle(mail, mail)
    assert await bench.rows("SELECT count(*) FROM issue") == [(1,)]
    assert len(bench.sent(OutgoingQueued)) == 1
    assert len(bench.sent(MailHandled)) == 1


async def test_one_poisonous_mail_fails_and_its_neighbours_are_handled(bench: Bench) -> None:
    bench.tracker.faults["poison"] = ValueError("cannot be")
    mails = [mail_parsed(subject="poison" if n == 3 else f"good {n}") for n in range(8)]
    await bench.handle(*mails)
    states = [state for state, _, _ in await bench.outcomes()]
    assert states == ["done"] * 3 + ["failed"] + ["done"] * 4
    assert await bench.rows("SELECT reason FROM incoming_mail WHERE state = 'failed'") == [
        ("ValueError: cannot be",)
    ]


async def test_a_tracker_that_is_away_holds_only_the_conversations_that_need_it(
    bench: Bench,
) -> None:
    bench.tracker.faults["slow"] = TrackerUnavailable("away")
    slow = mail_parsed(subject="slow")
    after = mail_parsed(subject="after", in_reply_to=[str(slow.message_id)])
    await bench.handle(slow, after, mail_parsed(subject="other"))
    found = await bench.rows("SELECT subject, state, attempts FROM incoming_mail ORDER BY arrival")
    assert found == [("slow", "waiting", 1), ("after", "new", 0), ("other", "done", 0)]
    bench.tracker.faults.clear()
    await bench.work()
    assert (await bench.outcomes())[1][0] == "new"
    bench.clock.move(3600)
    await bench.work()
    assert [o for _, o, _ in await bench.outcomes()] == ["issue", "comment", "issue"]


async def test_comments_are_in_the_order_of_arrival_whoever_works(bench: Bench) -> None:
    first = mail_parsed()
    await bench.handle(first)
    answers = [mail_parsed(in_reply_to=[str(first.message_id)], text=f"{n:02}") for n in range(20)]
    await bench.take_in(*answers)
    handlers = [bench.another()[0] for _ in range(4)]

    async def work(handler: Handler) -> None:
        while await bench.rows("SELECT 1 FROM incoming_mail WHERE state = 'new'"):
            await handler.work_batch()

    async with asyncio.timeout(60):
        await asyncio.gather(*(work(handler) for handler in handlers))
    bodies = [row[0] for row in await bench.rows("SELECT body FROM comment ORDER BY comment_id")]
    assert bodies == [f"{n:02}" for n in range(20)]


async def test_a_mail_that_another_handler_finished_meanwhile_stays_as_it_is(bench: Bench) -> None:
    mail = mail_parsed()
    await bench.take_in(mail)
    async with transaction(bench.pool) as connection:
        (due,) = await incoming.take_due(connection, bench.clock.now(), 1)
    await bench.work()
    later = bench.clock.now() + timedelta(seconds=60)
    failed = incoming.Outcome(
        mail_id=mail.mail_id,
        state="failed",
        outcome="failed",
        reason="too late",
        issue_key=None,
        comment_id=None,
        trace={},
    )
    async with transaction(bench.pool) as connection:
        await incoming.postpone(connection, due, "too late", later)
        assert await incoming.finish(connection, [failed], later) == 0
    bench.clock.move(3600)
    await bench.work()
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]
    assert await bench.rows("SELECT count(*) FROM issue") == [(1,)]


async def test_a_fault_after_the_commit_fails_no_mail(bench: Bench) -> None:
    async def broken(entries: object) -> list[Any]:
        raise RuntimeError("the producer is broken")

    await bench.take_in(mail_parsed())
    bench.producer.send = broken  # type: ignore[method-assign]
    with pytest.raises(TransientError):
        await bench.handler.work_batch()
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]


async def test_two_comments_on_one_issue_at_once_do_not_wait_for_each_other(bench: Bench) -> None:
    await bench.handle(mail_parsed())
    first_in, second_in = asyncio.Event(), asyncio.Event()

    async def comment(mine: asyncio.Event, other: asyncio.Event) -> None:
        class Slow(BuiltinTracker):
            async def add_comments(self, connection: Any, drafts: Any, now: Any) -> list[int]:
                mine.set()
                await other.wait()
                return await super().add_comments(connection, drafts, now)

        await add_comment(
            bench.pool,
            Slow(),
            issue_key="HELP-1",
            author_address="agent@example.com",
            author_name="",
            text="x",
            message_id_key=b"key",
            now=bench.clock.now(),
        )

    async with asyncio.timeout(20):
        await asyncio.gather(
            *(
                task
                for _ in range(10)
                for task in (comment(first_in, second_in), comment(second_in, first_in))
            )
        )
    assert await bench.rows("SELECT count(*) FROM comment") == [(20,)]


async def test_many_equal_mails_without_an_id_do_not_stand_before_others(bench: Bench) -> None:
    equal = [mail_parsed(message_id=None, fingerprint="alarm") for _ in range(120)]
    await bench.take_in(*equal, mail_parsed(subject="other"))
    await bench.handler.work_batch()
    assert await bench.rows("SELECT subject FROM incoming_mail WHERE state = 'done'") == [
        ("Printer on fire",),
        ("other",),
    ]
    await bench.work()
    assert await bench.rows("SELECT count(*) FROM issue") == [(121,)]
    ((longest,),) = await bench.rows(
        "SELECT max(jsonb_array_length(trace -> 'facts' -> 'earlier')) FROM incoming_mail"
    )
    assert longest == 1


async def test_mails_with_a_key_wait_for_each_other_whoever_joined_the_issue(bench: Bench) -> None:
    await bench.handle(mail_parsed())
    agent = Address(name="", address="agent@example.com")
    for n in range(8):
        await bench.handle(mail_parsed(subject="HELP-1", sender=agent, text=str(n)))
    assert await bench.rows(
        "SELECT count(DISTINCT queue) FROM incoming_mail WHERE subject = 'HELP-1'"
    ) == [(1,)]


async def test_a_key_does_not_move_a_conversation_that_has_an_issue_there(bench: Bench) -> None:
    agent = Address(name="", address="agent@example.com")
    await bench.handle(mail_parsed())
    other = mail_parsed(subject="other")
    await bench.handle(other)
    forwarded = mail_parsed(
        mailbox="sales", subject="HELP-1", sender=agent, references=[str(other.message_id)]
    )
    await bench.handle(forwarded)
    assert (await bench.outcomes())[2] == ("done", "comment", "HELP-1")
    await bench.handle(mail_parsed(references=[str(other.message_id)]))
    assert (await bench.outcomes())[3] == ("done", "comment", "HELP-2")


async def test_two_handlers_at_once_make_one_issue_for_one_conversation(bench: Bench) -> None:
    """The two mails come in through different partitions at the same moment, again and again."""
    other, other_offsets = bench.another()
    other_offsets.expect({1: None})
    for round_number in range(15):
        first = mail_parsed()
        second = mail_parsed(in_reply_to=[str(first.message_id)])
        await asyncio.gather(
            bench.take_in(first),
            other.take_in([received(second, round_number, partition=1)]),
        )
        await asyncio.gather(bench.handler.work_batch(), other.work_batch())
    await bench.work()
    assert await bench.rows("SELECT count(*) FROM issue") == [(15,)]
    assert await bench.rows("SELECT count(*) FROM comment") == [(15,)]


async def test_a_batch_that_does_not_follow_the_stored_offset_is_refused_whole(
    bench: Bench,
) -> None:
    await bench.handle(mail_parsed())
    zombie, zombie_offsets = bench.another()
    zombie_offsets.expect({0: None})
    with pytest.raises(OffsetGap):
        await zombie.take_in([received(mail_parsed(), 0)])
    assert await bench.rows("SELECT count(*) FROM incoming_mail") == [(1,)]
    assert await bench.offsets.stored([0]) == {0: 1}


async def test_rows_of_the_outbox_survive_until_they_are_acknowledged(bench: Bench) -> None:
    from postrail.errors import FatalError
    from postrail.settings import OutboxSettings
    from postrail.stream.outbox import Sweeper

    bench.producer.acknowledge = False
    await bench.take_in(mail_parsed())
    with pytest.raises(FatalError):
        await bench.work()
    assert await bench.rows("SELECT topic FROM outbox ORDER BY outbox_id") == [
        ("mail.handled",),
        ("outgoing.queued",),
    ]
    assert (await bench.outcomes())[0][0] == "done"
    bench.producer.acknowledge = True
    sweeper = Sweeper(bench.pool, bench.producer, OutboxSettings(), bench.clock)
    assert await sweeper.sweep() == 0
    bench.clock.move(10)
    assert await sweeper.sweep() == 2
    assert await bench.rows("SELECT 1 FROM outbox") == []
    assert len(bench.sent(OutgoingQueued)) == 1


async def test_one_replica_sweeps_what_another_has_not_locked(bench: Bench) -> None:
    from postrail.settings import OutboxSettings
    from postrail.stream import outbox
    from postrail.stream.outbox import Sweeper
    from postrail.stream.producer import Entry
    from postrail.stream.topics import MAIL_HANDLED

    entries = [Entry(MAIL_HANDLED, "k", bytes([n % 256])) for n in range(300)]
    async with transaction(bench.pool) as connection:
        await outbox.add(connection, entries, bench.clock.now())
    bench.clock.move(10)
    sweepers = [
        Sweeper(bench.pool, bench.producer, OutboxSettings(), bench.clock) for _ in range(2)
    ]
    await asyncio.gather(*(sweeper.sweep() for sweeper in sweepers))
    await sweepers[0].sweep()
    assert sorted(entry.value for entry in bench.producer.sent) == sorted(
        entry.value for entry in entries
    )


async def test_a_failed_mail_can_be_tried_again_and_that_is_its_next_revision(
    bench: Bench,
) -> None:
    bench.tracker.faults["poison"] = ValueError("cannot be")
    mail = mail_parsed(subject="poison")
    await bench.handle(mail)
    bench.tracker.faults.clear()
    async with transaction(bench.pool) as connection:
        assert await incoming.retry(connection, mail.mail_id, bench.clock.now())
        assert not await incoming.retry(connection, mail.mail_id, bench.clock.now())
    await bench.work()
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]
    assert [handled.revision for handled in bench.sent(MailHandled)] == [1, 2]


async def test_mails_without_an_outcome_are_counted_once_they_are_old(bench: Bench) -> None:
    await bench.take_in(mail_parsed(fetched_at=NOON), mail_parsed(fetched_at=NOON))
    async with transaction(bench.pool) as connection:
        assert await incoming.unaccounted(connection, NOON, 60) == 0
        assert await incoming.unaccounted(connection, NOON + timedelta(minutes=2), 60) == 2
        assert await incoming.counts(connection) == {"new": 2}
    await bench.work()
    async with transaction(bench.pool) as connection:
        assert await incoming.unaccounted(connection, NOON + timedelta(days=1), 60) == 0


async def test_outgoing_mail_keeps_its_order_behind_what_a_killed_process_left(
    bench: Bench,
) -> None:
    from postrail.settings import OutboxSettings
    from postrail.stream import outbox
    from postrail.stream.outbox import Sweeper
    from postrail.stream.producer import Entry
    from postrail.stream.topics import OUTGOING_QUEUED

    async def add(key: str, value: bytes) -> None:
        async with transaction(bench.pool) as connection:
            entry = Entry(OUTGOING_QUEUED, key, value)
            added = await outbox.add(connection, [entry], bench.clock.now())
        if value != b"left":
            await outbox.flush(bench.pool, bench.producer, added)

    await add("conversation", b"left")
    await add("another", b"at once")
    await add("conversation", b"behind")
    assert [entry.value for entry in bench.producer.sent] == [b"at once"]
    bench.clock.move(10)
    await Sweeper(bench.pool, bench.producer, OutboxSettings(), bench.clock).sweep()
    assert [entry.value for entry in bench.producer.sent] == [b"at once", b"left", b"behind"]
    await add("conversation", b"free again")
    assert bench.producer.sent[-1].value == b"free again"
