"""What commands list and show of mails, issues, deliveries and dead letters on real servers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from postrail.blobs import BlobStore
from postrail.clock import SystemClock
from postrail.configuration import store
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.database import Pool, one_connection, open_pool, rows, transaction
from postrail.incoming.fetched import FetchedRow, record_fetched
from postrail.observe.health import Health
from postrail.outgoing import queue as outgoing
from postrail.process import Process
from postrail.records import MailDead, MailParsed, OutgoingQueued, PipelineProgress, ReplyParts
from postrail.settings import Settings
from postrail.stream import avro
from postrail.stream.intake import IntakeOffsets
from postrail.stream.producer import Entry, Placed, Producer
from postrail.stream.topics import (
    MAIL_DEAD,
    MAIL_FETCHED,
    PIPELINE_PROGRESS,
    apply_topics,
)
from postrail.tracker.builtin.tracker import BuiltinTracker
from services.cli.app import run
from services.handler.step import Handler
from tests.fakes.streams import MemoryProducer
from tests.makers.records import NOON, mail_fetched, mail_parsed, received

Postrail = Callable[..., tuple[int, str, str]]

RAW = b"Subject: \x1b[31mfire\r\n\r\n\xff it burns\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"x" * 100
UNPARSABLE = b"\x00\x01 no mail at all"


@dataclass
class Filled:
    """The ids of what the installation holds."""

    inline: str
    blob: str
    unparsable: str
    fetched: str


class NoProgress:
    def count(self, *_: object, **__: object) -> None:
        """Figures are not looked at here."""


@pytest.fixture
def filled(settings: Settings) -> Filled:
    """Four mails on their way, an issue with its notification, a dead letter, two processes."""
    apply_topics(settings.kafka)
    return asyncio.run(fill(settings))


@pytest.fixture
def postrail(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Postrail:
    """Runs a command; returns its exit code, output and errors (bytes as Latin-1 keeps them)."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        capfdbinary.readouterr()
        code = run(arguments)
        output, errors = capfdbinary.readouterr()
        return code, output.decode(errors="surrogateescape"), errors.decode()

    return call


async def fill(settings: Settings) -> Filled:
    filled = Filled(*(str(uuid.uuid4()) for _ in range(4)))
    pool = await open_pool(settings.database)
    producer = Producer(settings.kafka)
    await producer.start()
    try:
        await configure(pool)
        places = await send_records(settings, producer, filled)
        await handle(settings, pool, filled, places)
    finally:
        await producer.close()
        await pool.close()
    return filled


async def configure(pool: Pool) -> None:
    things = [
        Project(key="HELP", name="Help desk"),
        OutgoingConnection(
            name="out",
            host="smtp.example.com",
            from_address="desk@example.com",
            from_name="Help desk",
            is_default=True,
        ),
        Person(address="agent@example.com", name="An Agent"),
        MailAccount(
            name="support",
            host="imap.example.com",
            username="support",
            password="env:POSTRAIL_SECRET_X",
            address="support@example.com",
            project="HELP",
        ),
    ]
    async with transaction(pool) as connection:
        for thing in things:
            await store.save(connection, thing, before=None, author="test", now=NOON)


async def send_records(settings: Settings, producer: Producer, filled: Filled) -> list[Placed]:
    """The raw mails, a dead letter, and the reports of two processes."""
    blob = await BlobStore(settings.blobs.url).put(LARGE)
    now = datetime.now(UTC)
    dead = MailDead(
        service="parser",
        topic="mail.fetched",
        partition=3,
        offset=1714,
        key=b"support",
        value=b"\x00rubbish",
        error="not Avro \x1b[2J",
        died_at=now,
    )
    progress = PipelineProgress(
        process="parser-a",
        service="parser",
        version="0.1.0",
        started_at=now - timedelta(minutes=1),
        reported_at=now,
        address="127.0.0.1:9400",
        ready=True,
        mailboxes=[],
    )
    silent = replace(progress, process="sender-b", service="sender", reported_at=NOON)
    mails = [
        mail_fetched(mail_id=filled.inline, body=RAW),
        mail_fetched(mail_id=filled.blob, body=None, blob=blob),
        mail_fetched(mail_id=filled.unparsable, body=UNPARSABLE),
        mail_fetched(mail_id=filled.fetched, body=RAW),
    ]
    return await producer.send(
        [Entry(MAIL_FETCHED, "support", avro.encode(mail)) for mail in mails]
        + [
            Entry(MAIL_DEAD, "support", avro.encode(dead)),
            Entry(PIPELINE_PROGRESS, "parser-a", avro.encode(progress)),
            Entry(PIPELINE_PROGRESS, "sender-b", avro.encode(silent)),
        ]
    )


async def handle(settings: Settings, pool: Pool, filled: Filled, places: list[Placed]) -> None:
    """Takes the mails through the handler, and the notification into the sender's tables."""
    ids = [filled.inline, filled.blob, filled.unparsable, filled.fetched]
    async with transaction(pool) as connection:
        await record_fetched(
            connection,
            [
                fetched_row(mail_id, place)
                for mail_id, place in zip(ids, places[: len(ids)], strict=True)
            ],
        )
    producer = MemoryProducer()
    handler = handler_on(settings, pool, producer)
    await handler.take_in(
        [received(mail, offset) for offset, mail in enumerate(parsed_mails(filled, places))]
    )
    while await handler.work_batch():
        pass
    sent = [avro.decode(entry.value) for entry in producer.sent]
    async with transaction(pool) as connection:
        await outgoing.intake(
            connection, [record for record in sent if isinstance(record, OutgoingQueued)]
        )


def fetched_row(mail_id: str, place: Placed) -> FetchedRow:
    return FetchedRow(
        mail_id=mail_id,
        mailbox="support",
        source="INBOX;uidvalidity=1;uid=1",
        size=20,
        received_at=NOON,
        fetched_at=NOON,
        raw_partition=place.partition,
        raw_offset=place.offset,
        blob=None,
    )


def parsed_mails(filled: Filled, places: list[Placed]) -> list[MailParsed]:
    def parsed(mail_id: str, place: Placed, **changes: Any) -> MailParsed:
        return mail_parsed(
            mail_id=mail_id, raw_partition=place.partition, raw_offset=place.offset, **changes
        )

    return [
        parsed(filled.inline, places[0], subject="Printer [red]on\x1b fire"),
        parsed(filled.blob, places[1], subject="Large"),
        parsed(filled.unparsable, places[2], subject="", error="no headers", raw=UNPARSABLE),
    ]


def handler_on(settings: Settings, pool: Pool, producer: MemoryProducer) -> Handler:
    process = Process(
        name="handler",
        settings=settings,
        clock=SystemClock(),
        health=Health(),
        producer=cast(Any, producer),
        progress=cast(Any, NoProgress()),
        stop=asyncio.Event(),
    )
    offsets = IntakeOffsets("handler", "mail.parsed", pool)
    return Handler(process, pool, BuiltinTracker(), offsets, BlobStore(settings.blobs.url), b"key")


def answer(postrail: Postrail, *arguments: str) -> Any:
    code, output, errors = postrail(*arguments, "--json")
    assert code == 0, errors
    return json.loads(output)


def test_mails_are_listed_with_what_became_of_them_and_why(
    postrail: Postrail, filled: Filled
) -> None:
    _, output, _ = postrail("mail", "list")
    assert "HELP-1" in output
    assert "the mail could not be parsed: no headers" in output
    # What a stranger wrote is neither markup nor a command to the terminal.
    assert "Printer [red]on� fire" in output
    assert "\x1b" not in output
    states = {mail["mail_id"]: mail["state"] for mail in answer(postrail, "mail", "list")}
    assert states == {
        filled.inline: "done",
        filled.blob: "done",
        filled.unparsable: "failed",
        filled.fetched: "fetched",
    }


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (["--state", "failed"], {"unparsable"}),
        (["--state", "failed", "--state", "fetched"], {"unparsable", "fetched"}),
        (["--mailbox", "support", "--state", "done"], {"inline", "blob"}),
        (["--mailbox", "nobody"], set()),
        (["--issue", "help-1"], {"inline"}),
    ],
)
def test_mails_are_listed_by_state_mailbox_and_issue(
    postrail: Postrail, filled: Filled, filters: list[str], found: set[str]
) -> None:
    mails = answer(postrail, "mail", "list", *filters)
    names = {mail_id: name for name, mail_id in vars(filled).items()}
    assert {names[mail["mail_id"]] for mail in mails} == found


def test_a_mail_is_shown_by_the_beginning_of_its_id(postrail: Postrail, filled: Filled) -> None:
    mail = answer(postrail, "mail", "show", filled.inline[:10])
    assert (mail["mail_id"], mail["outcome"], mail["issue_key"]) == (
        filled.inline,
        "issue",
        "HELP-1",
    )
    _, output, _ = postrail("mail", "show", filled.inline)
    assert "HELP-1" in output
    assert "no known conversation" in output
    assert "New text:\nIt burns." in output
    assert answer(postrail, "mail", "show", filled.fetched)["new_text"] == ""


@pytest.mark.parametrize("mail_id", ["ffffffffffffffff", "", "not an id"])
def test_a_mail_that_is_not_there_ends_with_1(
    postrail: Postrail, filled: Filled, mail_id: str
) -> None:
    code, output, errors = postrail("mail", "show", mail_id)
    assert (code, output) == (1, "")
    assert "Remedy: See: postrail mail list" in errors


@pytest.mark.parametrize(
    ("name", "raw"),
    [("inline", RAW), ("blob", LARGE), ("unparsable", UNPARSABLE), ("fetched", RAW)],
)
def test_the_raw_mail_comes_back_byte_by_byte(
    postrail: Postrail, filled: Filled, name: str, raw: bytes
) -> None:
    code, output, _ = postrail("mail", "show", vars(filled)[name], "--raw")
    assert code == 0
    assert output.encode(errors="surrogateescape") == raw


def test_a_failed_mail_is_made_due_again(postrail: Postrail, filled: Filled) -> None:
    assert postrail("mail", "retry", filled.unparsable[:12])[0] == 0
    assert answer(postrail, "mail", "show", filled.unparsable)["state"] == "new"
    code, _, errors = postrail("mail", "retry", filled.inline)
    assert code == 1
    assert "its state is done" in errors


def test_issues_are_listed_and_shown(postrail: Postrail, filled: Filled) -> None:
    listed = answer(postrail, "issues", "list", "--project", "HELP", "--status", "open")
    assert {issue["issue_key"] for issue in listed} == {"HELP-1", "HELP-2"}
    assert answer(postrail, "issues", "list", "--project", "OTHER") == []
    shown = answer(postrail, "issues", "show", "help-1")
    assert shown["description"] == "It burns."
    assert shown["watchers"] == ["ada@example.org"]
    _, output, _ = postrail("issues", "show", "HELP-1")
    assert "It burns." in output
    code, _, errors = postrail("issues", "show", "HELP-9")
    assert code == 1
    assert "there is no issue 'HELP-9'" in errors


def replied(settings: Settings, parts: ReplyParts, *, large: bool) -> str:
    """A reply to HELP-1 that has become its comment; returns its mail_id."""
    mail_id = str(uuid.uuid4())

    async def take_effect() -> None:
        blob = None
        if large:
            blob = await BlobStore(settings.blobs.url).put(json.dumps(asdict(parts)).encode())
        mail = mail_parsed(
            mail_id=mail_id,
            subject="Re: HELP-1",
            reply=None if large else parts,
            reply_blob=blob,
        )
        pool = await open_pool(settings.database)
        try:
            handler = handler_on(settings, pool, MemoryProducer())
            await handler.take_in([received(mail, partition=1)])
            await handler.work_batch()
        finally:
            await pool.close()

    asyncio.run(take_effect())
    return mail_id


PARTS = ReplyParts(
    new_text="Still [bold]burning\x1b.",
    quoted_text="> Use water.",
    signature="-- \nAda",
    new_html="",
    quoted_html="",
    signature_html="",
)


@pytest.mark.parametrize(
    ("parts", "large"),
    [
        (PARTS, False),
        # all of them in a blob but what is new
        (PARTS, True),
        # what is new too
        (replace(PARTS, new_text="Still [bold]burning\x1b." * 5000), True),
    ],
)
def test_what_a_comment_quotes_is_folded(
    postrail: Postrail, filled: Filled, settings: Settings, parts: ReplyParts, large: bool
) -> None:
    mail_id = replied(settings, parts, large=large)
    _, short, _ = postrail("issues", "show", "HELP-1")
    assert "Still [bold]burning�." in short
    assert "(quoted text hidden: --full shows it)" in short
    assert "Use water" not in short
    _, full, _ = postrail("issues", "show", "HELP-1", "--full")
    assert full.index("burning�.") < full.index("> Use water.") < full.index("-- \nAda")
    assert "hidden" not in full
    (comment,) = answer(postrail, "issues", "show", "HELP-1")["comments"]
    texts = (parts.new_text, parts.quoted_text, parts.signature)
    assert (comment["body"], comment["quoted_text"], comment["signature"]) == texts
    mail = answer(postrail, "mail", "show", mail_id)
    assert (mail["new_text"], mail["quoted_text"], mail["signature"]) == texts
    shown = postrail("mail", "show", mail_id)[1]
    assert shown.index("New text:") < shown.index("burning�.") < shown.index("> Use water.")


def test_a_folded_signature_is_called_so(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    replied(settings, replace(PARTS, quoted_text=""), large=False)
    assert "(signature hidden: --full shows it)" in postrail("issues", "show", "HELP-1")[1]


def test_a_comment_with_nothing_folded_has_no_hint(postrail: Postrail, filled: Filled) -> None:
    assert postrail("issues", "comment", "HELP-1", "Fixed.")[0] == 0
    assert "hidden" not in postrail("issues", "show", "HELP-1")[1]


def test_a_mail_is_shown_though_its_texts_are_gone(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    mail_id = replied(settings, PARTS, large=True)
    content = json.dumps(asdict(PARTS)).encode()
    asyncio.run(BlobStore(settings.blobs.url).delete(hashlib.sha256(content).hexdigest()))
    code, output, _ = postrail("mail", "show", mail_id)
    assert code == 0
    assert "there is no blob" in output


def test_a_comment_is_committed_with_its_mails(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    done = answer(
        postrail, "issues", "comment", "HELP-1", "Fixed.", "--author", "Agent@example.com"
    )
    assert done["told"] == ["ada@example.org"]
    (comment,) = answer(postrail, "issues", "show", "HELP-1")["comments"]
    assert (comment["author_address"], comment["author_name"], comment["body"]) == (
        "agent@example.com",
        "An Agent",
        "Fixed.",
    )
    assert [row[0] for row in asyncio.run(outbox(settings))] == ["outgoing.queued"]


def test_without_an_author_the_help_desk_comments(postrail: Postrail, filled: Filled) -> None:
    assert postrail("issues", "comment", "HELP-1", "Fixed.")[0] == 0
    (comment,) = answer(postrail, "issues", "show", "HELP-1")["comments"]
    assert (comment["author_address"], comment["author_name"]) == ("desk@example.com", "Help desk")


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["HELP-9", "text"], 1, "there is no issue 'HELP-9'"),
        (["HELP-1", " "], 2, "the comment has no text"),
        (["HELP-1", "text", "--author", "nobody"], 2, "'nobody' is not an address"),
    ],
)
def test_a_comment_that_cannot_be_made_says_why(
    postrail: Postrail, filled: Filled, arguments: list[str], code: int, problem: str
) -> None:
    got, _, errors = postrail("issues", "comment", *arguments)
    assert got == code
    assert problem in errors


def test_outgoing_mails_are_listed_and_shown(postrail: Postrail, filled: Filled) -> None:
    deliveries = answer(postrail, "outgoing", "list", "--state", "queued")
    assert {row["recipient"] for row in deliveries} == {"ada@example.org"}
    (first,) = answer(postrail, "outgoing", "list", "--issue", "help-1")
    assert answer(postrail, "outgoing", "list", "--state", "sent") == []
    (shown,) = answer(postrail, "outgoing", "show", first["outgoing_id"][:12])
    assert shown["message_id"] == first["message_id"]
    _, raw, _ = postrail("outgoing", "show", first["outgoing_id"], "--raw")
    assert f"Message-ID: {first['message_id']}" in raw
    assert "ada@example.org" in postrail("outgoing", "show", first["outgoing_id"])[1]
    assert postrail("outgoing", "show", "ffffffff")[0] == 1


def test_dead_letters_are_listed_and_shown_with_their_bytes(
    postrail: Postrail, filled: Filled
) -> None:
    _, output, _ = postrail("dead", "list")
    assert "mail.fetched/3/1714" in output
    assert "\x1b" not in output
    (letter,) = answer(postrail, "dead", "list")
    assert letter["record"] == "mail.fetched/3/1714"
    assert postrail("dead", "show", letter["record"], "--raw")[1] == "\x00rubbish"
    assert answer(postrail, "dead", "show", letter["record"])["error"] == "not Avro \x1b[2J"
    assert postrail("dead", "show", "mail.fetched/0/0")[0] == 1


def test_the_status_counts_what_waits_and_who_is_there(postrail: Postrail, filled: Filled) -> None:
    found = answer(postrail, "status")
    assert [process["process"] for process in found["stream"]["processes"]] == ["parser-a"]
    assert found["stream"]["to_parse"] == 4
    assert found["stream"]["dead"] == 1
    assert found["tables"]["incoming"] == {"failed": 1, "fetched": 1}
    # Fetched long ago and still without an outcome.
    assert found["tables"]["unaccounted"] == 1
    assert found["tables"]["outgoing"]["queued"] == 2
    assert found["problems"] == []
    _, output, _ = postrail("status")
    assert "not seen" in output
    assert "Messages unaccounted for" in output


def test_the_status_shows_one_half_while_the_other_is_away(
    postrail: Postrail, filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRAIL_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none")
    code, output, errors = postrail("status")
    assert code == 1
    assert "Fetched, to be parsed" in output
    assert "POSTRAIL_DATABASE__URL" in errors


def test_young_blobs_are_kept(postrail: Postrail, filled: Filled) -> None:
    report = answer(postrail, "blobs", "collect", "--dry-run")
    assert (report["seen"], report["young"], report["removed"]) == (1, 1, 0)
    assert "1 blobs: 1 young" in postrail("blobs", "collect")[1]


def test_following_prints_each_change_until_interrupted(
    environment: dict[str, str], settings: Settings, filled: Filled
) -> None:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "services.cli", "mail", "follow", "--json"],
        env=os.environ | environment,
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = json.loads(change_until_told(process, settings, filled.fetched))
            assert line["mail_id"] == filled.fetched
            assert line["attempts"] > 0
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()


def change_until_told(process: subprocess.Popen[str], settings: Settings, mail_id: str) -> str:
    """Changes a mail again and again: what was changed before the start is no news."""
    assert process.stdout is not None
    with ThreadPoolExecutor(1) as thread:
        line = thread.submit(process.stdout.readline)
        for _ in range(60):
            asyncio.run(try_again(settings, mail_id))
            with suppress(TimeoutError):
                return line.result(timeout=0.5)
        process.kill()
    raise AssertionError("nothing was printed")


async def try_again(settings: Settings, mail_id: str) -> None:
    async with one_connection(settings.database) as connection:
        await connection.execute(
            "UPDATE incoming_mail SET attempts = attempts + 1 WHERE mail_id = %s", [mail_id]
        )


async def outbox(settings: Settings) -> list[Any]:
    async with one_connection(settings.database) as connection:
        return await rows(connection, "SELECT topic FROM outbox")
