"""Letters that people write from issues: sent as a person's, recorded, and warned of before."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from postrail.blobs import BlobStore
from postrail.configuration import store
from postrail.configuration.configured import Configured
from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.templates.message_template import MessageTemplate
from postrail.database import Pool, transaction
from postrail.incoming.message_ids import message_hash
from postrail.notifications.assemble import assemble
from postrail.notifications.reply_marker import quotes_internal
from postrail.operate.files.save import NoSuchFile
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.attach import NewFile, attach
from postrail.operate.issues.comment import comment
from postrail.operate.issues.mailing.letter import InvalidLetter, Letter
from postrail.operate.issues.mailing.send import TemplateFailed, mail
from postrail.operate.issues.mailing.warn import warnings_of
from postrail.outgoing import suppressions
from postrail.outgoing.content import content_of
from postrail.tracker import IssueNotFound
from postrail.workflow.rights import NotAllowed
from tests.integration.operate.issues.scene import (
    AGENT,
    OPERATOR,
    OUTSIDER,
    history,
    published,
    query,
)
from tests.makers.configuration import outgoing_connection
from tests.makers.records import NOON

ADA, SUPPLIER, SECOND = "ada@example.org", "supplier@example.net", "second@example.com"
CANNED = MessageTemplate(
    name="ask-for-serial",
    event="manual",
    text="{{ marker }}\n\n{{ greeting }}\n\nWhich serial has it?\n\n{{ body }}\n",
)


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path.as_uri())


async def save(pool: Pool, *things: Configured) -> None:
    async with transaction(pool) as connection:
        for thing in things:
            await store.save(connection, thing, before=None, author="test", now=NOON)


async def replace_connection(pool: Pool, **fields: object) -> None:
    async with transaction(pool) as connection:
        before = outgoing_connection(from_name="Help desk")
        after = outgoing_connection(from_name="Help desk", **fields)
        await store.save(connection, after, before=before, author="test", now=NOON)


async def sent(pool: Pool, blobs: BlobStore, recipient: str) -> EmailMessage:
    """Returns the message to the recipient, as a connection sends it."""
    ((outgoing_id,),) = await query(
        pool, "SELECT outgoing_id::text FROM delivery WHERE recipient = %s", recipient
    )
    async with transaction(pool) as connection:
        content = await content_of(connection, outgoing_id, recipient)
    assert content is not None
    sender = outgoing_connection(from_name="Help desk")
    data = await assemble(content, sender, blobs, _no_original)
    found = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


async def _no_original(mail_id: str) -> bytes:
    raise AssertionError(f"{mail_id} is not forwarded")


async def test_a_letter_is_a_person_s_message_and_a_comment_with_its_recipients(
    pool: Pool, desk: Desk, issue: str, blobs: BlobStore
) -> None:
    await attach(desk, AGENT, issue, [NewFile("plan.pdf", b"%PDF")], blobs)
    letter = Letter(to=[SUPPLIER], cc=["reporter"], text="Is it in stock?", files=["plan.pdf"])
    assert await warnings_of(desk, AGENT, issue, letter) == []
    done = await mail(desk, AGENT, issue, letter)

    assert (done.notified, done.held, done.files) == ((SUPPLIER, ADA), (), ("plan.pdf",))
    for recipient in (SUPPLIER, ADA):
        message = await sent(pool, blobs, recipient)
        assert str(message["To"]) == SUPPLIER
        assert str(message["Cc"]) == ADA
        assert "An Agent via Help desk" in str(message["From"])
        assert message["Auto-Submitted"] is message["Precedence"] is message["List-Id"] is None
        assert message["Subject"] == "[HELP-1] Printer on fire"
        body = message.get_body(("plain",))
        assert body is not None
        assert "Is it in stock?" in body.get_content()
        (file,) = message.iter_attachments()
        assert (file.get_filename(), file.get_content()) == ("plan.pdf", b"%PDF")
    assert (await history(pool, issue))[1:] == [
        ("comment", None, {"id": done.comment_id, "internal": False}),
        ("watcher", None, AGENT.address),
        (
            "mail",
            None,
            {
                "id": done.comment_id,
                "to": [SUPPLIER],
                "cc": [ADA],
                "template": "",
                "files": ["plan.pdf"],
            },
        ),
    ]
    record = (await published(pool))[-1]
    assert record.comment is not None
    assert (record.act, record.comment.text) == ("mail", "Is it in stock?")
    assert await query(pool, "SELECT author_address, body FROM comment") == [
        (AGENT.address, "Is it in stock?")
    ]


async def test_answers_to_a_letter_find_its_issue(pool: Pool, desk: Desk, issue: str) -> None:
    await mail(desk, AGENT, issue, Letter(to=[SUPPLIER], text="x"))
    ((message_id, conversation),) = await query(
        pool,
        "SELECT delivery.message_id, conversation::text FROM delivery JOIN outgoing_mail"
        " USING (outgoing_id)",
    )
    indexed = await query(
        pool,
        "SELECT conversation::text FROM message_index WHERE message_hash = %s",
        message_hash(message_id),
    )
    assert indexed == [(conversation,)]


async def test_watchers_are_not_notified_of_a_letter(pool: Pool, desk: Desk, issue: str) -> None:
    await mail(desk, AGENT, issue, Letter(to=[SUPPLIER], text="x"))
    assert await query(pool, "SELECT recipient FROM delivery") == [(SUPPLIER,)]


async def test_an_internal_letter_has_internal_answers(pool: Pool, desk: Desk, issue: str) -> None:
    await mail(desk, AGENT, issue, Letter(to=[SUPPLIER], text="x", internal=True))
    assert await query(pool, "SELECT internal FROM outgoing_mail") == [(True,)]
    assert await query(pool, "SELECT internal FROM comment") == [(True,)]


async def test_a_canned_answer_is_a_template_that_greets_and_is_recorded(
    pool: Pool, desk: Desk, issue: str, blobs: BlobStore
) -> None:
    await save(pool, CANNED)
    letter = Letter(to=["reporter", SECOND], text="Thanks!", template=CANNED.name)
    await mail(desk, AGENT, issue, letter)
    message = await sent(pool, blobs, SECOND)
    body = message.get_body(("plain",))
    assert body is not None
    assert "Hello A Second Agent," in body.get_content()
    ((recorded,),) = await query(pool, "SELECT body FROM comment")
    assert recorded.endswith("Which serial has it?\n\nThanks!")
    assert "---" not in recorded
    assert await query(pool, "SELECT template FROM outgoing_mail") == [(CANNED.name,)]


async def test_roles_stand_for_addresses_and_nobody_gets_it_twice(
    pool: Pool, desk: Desk, issue: str
) -> None:
    letter = Letter(to=["reporter", ADA.upper()], cc=["watchers", SECOND], text="x")
    assert (await mail(desk, AGENT, issue, letter)).notified == (ADA, SECOND)


async def test_watchers_get_copies_of_their_own(
    pool: Pool, desk: Desk, issue: str, blobs: BlobStore
) -> None:
    # The author and an address of ours are among them.
    for watcher in (AGENT.address, SECOND, "support@example.com"):
        await query(
            pool,
            "INSERT INTO watcher (issue_id, address, name) SELECT issue_id, %s, ''"
            " FROM issue_index RETURNING 1",
            watcher,
        )
    letter = Letter(to=[SUPPLIER], cc=["watchers"], text="It is in stock.")
    assert await warnings_of(desk, AGENT, issue, letter) == []
    done = await mail(desk, AGENT, issue, letter)
    assert done.notified == (SUPPLIER, ADA, SECOND)
    for recipient in done.notified:
        message = await sent(pool, blobs, recipient)
        (shown,) = message["To"].addresses
        assert (shown.addr_spec, message["Cc"]) == (recipient, None)
    ((_, _, record),) = [one for one in await history(pool, issue) if one[0] == "mail"]
    assert (record["to"], record["cc"], record["watchers"]) == ([SUPPLIER], [], [ADA, SECOND])
    alone = await mail(desk, AGENT, issue, Letter(to=["Watchers"], text="x"))
    assert alone.notified == (ADA, SECOND)


async def test_the_operator_writes_as_the_help_desk(
    pool: Pool, desk: Desk, issue: str, blobs: BlobStore
) -> None:
    await mail(desk, OPERATOR, issue, Letter(to=[SUPPLIER], text="x"))
    message = await sent(pool, blobs, SUPPLIER)
    assert str(message["From"]) == "Help desk <desk@example.com>"
    assert message["Auto-Submitted"] is None


@pytest.mark.parametrize(
    ("letter", "problem"),
    [
        (Letter(to=[SUPPLIER]), "has no text"),
        (Letter(to=["nobody"], text="x"), "'nobody' is no address"),
        (Letter(to=["assignee"], text="x"), "HELP-1 has no assignee to write to"),
        (Letter(to=["support@example.com"], text="x"), "is an address of ours"),
        (Letter(to=[SUPPLIER], template="Unknown"), "no template 'Unknown' of the event manual"),
        (Letter(to=[SUPPLIER], template="Closing", text="Call me"), "no place for --text"),
        (Letter(to=[f"a{n}@example.net" for n in range(101)], text="x"), "101 recipients"),
    ],
)
async def test_a_letter_that_cannot_be_sent_changes_nothing(
    pool: Pool, desk: Desk, issue: str, letter: Letter, problem: str
) -> None:
    await save(pool, MessageTemplate(name="Closing", event="manual", text="{{ marker }} We close."))
    with pytest.raises(InvalidLetter, match=problem):
        await warnings_of(desk, AGENT, issue, letter)
    with pytest.raises(InvalidLetter, match=problem):
        await mail(desk, AGENT, issue, letter)
    assert await query(pool, "SELECT 1 FROM comment") == []


async def test_other_faults_name_their_remedy(pool: Pool, desk: Desk, issue: str) -> None:
    with pytest.raises(NoSuchFile):
        await warnings_of(desk, AGENT, issue, Letter(to=[SUPPLIER], text="x", files=["no.pdf"]))
    with pytest.raises(IssueNotFound):
        await warnings_of(desk, AGENT, "HELP-99", Letter(to=[SUPPLIER], text="x"))
    await save(
        pool,
        CANNED.model_copy(update={"name": "Bad", "text": "{{ marker }}{{ body|truncate(body) }}"}),
    )
    with pytest.raises(TemplateFailed, match="Bad"):
        await mail(desk, AGENT, issue, Letter(to=[SUPPLIER], template="Bad"))


async def test_an_internal_letter_says_so_and_warns_of_outsiders_of_the_issue(
    pool: Pool, desk: Desk, issue: str, blobs: BlobStore
) -> None:
    letter = Letter(to=[SUPPLIER, AGENT.address], text="It is a secret.", internal=True)
    assert await warnings_of(desk, AGENT, issue, letter) == []
    await mail(desk, AGENT, issue, letter)
    body = (await sent(pool, blobs, SUPPLIER)).get_body(("plain",))
    assert body is not None
    assert quotes_internal(body.get_content())
    assert "are internal" in body.get_content()
    for named in ("reporter", ADA, "watchers"):
        to_the_reporter = Letter(to=[SUPPLIER], cc=[named], text="x", internal=True)
        (warning,) = await warnings_of(desk, AGENT, issue, to_the_reporter)
        assert warning.startswith(f"{ADA} sees no internal comments of {issue}")


@pytest.mark.parametrize("actor", [OUTSIDER, Actor(address="stranger@example.net")])
async def test_outsiders_may_not_write(desk: Desk, issue: str, actor: Actor) -> None:
    with pytest.raises(NotAllowed, match="may not mail"):
        await mail(desk, actor, issue, Letter(to=[SUPPLIER], text="x"))


async def test_a_suppressed_address_is_said_before_and_its_message_is_held(
    pool: Pool, desk: Desk, issue: str
) -> None:
    async with transaction(pool) as connection:
        await suppressions.suppress(connection, SUPPLIER, "it bounced", None, NOON)
    letter = Letter(to=[SUPPLIER], cc=[SECOND], text="x")
    (warning,) = await warnings_of(desk, AGENT, issue, letter)
    assert warning.startswith(f"{SUPPLIER} is suppressed")
    done = await mail(desk, AGENT, issue, letter)
    assert (done.notified, [one.recipient for one in done.held]) == ((SECOND,), [SUPPLIER])


@pytest.mark.parametrize(
    ("spare", "end"),
    [
        ({}, "it will not be sent. Attach fewer files."),
        ({"max_bytes": 1_000_000}, "it will go over spare."),
        ({"max_bytes": 0}, "it will go over spare."),
        ({"max_bytes": 0, "enabled": False}, "it will not be sent. Attach fewer files."),
    ],
)
async def test_files_above_the_limit_of_the_connection_are_said_before(
    pool: Pool, desk: Desk, issue: str, blobs: BlobStore, spare: dict[str, object], end: str
) -> None:
    await attach(desk, AGENT, issue, [NewFile("plan.pdf", bytes(100_000))], blobs)
    letter = Letter(to=[SUPPLIER], text="x", files=["plan.pdf"])
    assert await warnings_of(desk, AGENT, issue, letter) == []
    fields: dict[str, object] = {"max_bytes": 120_000}
    if spare:
        fields["fallback"] = "spare"
        await save(pool, outgoing_connection(name="spare", is_default=False, **spare))
    await replace_connection(pool, **fields)
    (warning,) = await warnings_of(desk, AGENT, issue, letter)
    assert "about 153 KB with its files, and connection out takes 120 KB" in warning
    assert warning.endswith(end)


async def test_files_that_fill_the_memory_of_senders_are_refused(
    pool: Pool, desk: Desk, issue: str, blobs: BlobStore
) -> None:
    for name in ("a.pdf", "b.pdf"):
        await attach(desk, AGENT, issue, [NewFile(name, bytes(60_000))], blobs)
    small = replace(desk, letter_files_max_bytes=100_000)
    await mail(small, AGENT, issue, Letter(to=[SUPPLIER], text="x", files=["a.pdf"]))
    with pytest.raises(InvalidLetter, match="120 KB, and 100 KB are the most") as refused:
        await mail(small, AGENT, issue, Letter(to=[SUPPLIER], text="x", files=["a.pdf", "b.pdf"]))
    assert "POSTRAIL_NOTIFICATIONS__LETTER_FILES_MAX_BYTES" in str(refused.value)


async def test_a_letter_goes_by_the_context_of_its_issue(
    pool: Pool, desk: Desk, issue: str
) -> None:
    bulk = outgoing_connection(name="bulk", is_default=False, max_bytes=100)
    context = MessageContext(name="printers", scope="summary ~ printer", connection="bulk")
    await save(pool, bulk, context)
    letter = Letter(to=[SUPPLIER], text="x")
    (warning,) = await warnings_of(desk, AGENT, issue, letter)
    assert "connection bulk takes 100 bytes at most" in warning
    await mail(desk, AGENT, issue, letter)
    assert await query(pool, "SELECT connection, context FROM outgoing_mail") == [
        ("bulk", "printers")
    ]


async def test_a_file_of_an_internal_comment_is_said_before(
    pool: Pool, desk: Desk, issue: str, blobs: BlobStore
) -> None:
    internal = await comment(desk, AGENT, issue, "x", internal=True)
    await attach(desk, AGENT, issue, [NewFile("cost.pdf", b"%PDF")], blobs)
    await query(pool, "UPDATE attachment SET comment_id = %s RETURNING 1", internal.comment_id)
    letter = Letter(to=[SUPPLIER], text="x", files=["cost.pdf"])
    assert await warnings_of(desk, AGENT, issue, letter) == [
        "The file cost.pdf is of an internal comment."
    ]
