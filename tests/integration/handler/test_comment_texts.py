"""Comments hold what is new in a reply, and keep the rest apart."""

from __future__ import annotations

import uuid
from email.message import EmailMessage

import pytest

from postrail.configuration import store
from postrail.database import transaction
from postrail.effects.add_comment import TEXTS_AT_ONCE
from postrail.errors import TransientError
from postrail.incoming.reply_parts import parts_from
from postrail.message_parts import Address
from postrail.records import OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.makers.configuration import mail_account
from tests.makers.records import AUTHSERV_ID, NOON, mail_parsed

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
    """Returns the Message-ID and the text of the message that we sent last."""
    queued = bench.sent(OutgoingQueued)[-1]
    return queued.deliveries[0].message_id, queued.text


def reply(text: str, in_reply_to: str, sender: str = "agent@example.com", **fields: str) -> bytes:
    mail = EmailMessage()
    for name, value in {
        "From": sender,
        "To": "support@example.com",
        "Subject": "Re: [HELP-1] Printer on fire",
        "Message-ID": f"<{uuid.uuid4()}@example.com>",
        "In-Reply-To": in_reply_to,
        "Authentication-Results": f"{AUTHSERV_ID}; dmarc=pass",
        **fields,
    }.items():
        mail[name] = value
    mail.set_content(text)
    return mail.as_bytes()


@pytest.mark.parametrize(
    ("heading", "mark"),
    [
        # An attribution line, and quotation marks.
        (GMAIL, "> "),
        # A header block without quotation marks.
        (OUTLOOK, ""),
        # A heading that no table knows: our marker separates the reply.
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
    assert "We received your message; its number is HELP-1" in quoted_text
    told = notification(bench)[1]
    assert "Water!" in told
    assert "We received your message" not in told


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
    absence = f"{GMAIL.replace('Water!', 'I am away.')}> It burns.\n"
    await bench.arrive(reply(absence, message_id, **{"Auto-Submitted": "auto-replied"}))
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


async def test_an_unavailable_blob_store_delays_only_the_comment_that_needs_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.handle(mail_parsed())
    message_id, _ = notification(bench)

    async def unavailable(*_: object) -> bytes:
        raise TransientError("the blob store does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(bench.blobs, "get", unavailable)
        await bench.arrive(reply(f"{GMAIL}{'> It burns.' * 20_000}", message_id))
        await bench.handle(mail_parsed())
    states = await bench.rows("SELECT state, reason FROM incoming_mail ORDER BY arrival")
    assert states[1] == ("waiting", "the blob store does not answer.")
    assert states[2][0] == "done"
    bench.clock.move(60)
    await bench.work()
    assert await bench.rows("SELECT body FROM comment") == [("Water!",)]


async def test_a_batch_holds_few_large_texts_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    issues = [mail_parsed() for _ in range(12)]
    await bench.handle(*issues)
    blob = await bench.blobs.put(b"Water! " * 100_000)
    reading: list[int] = []
    get, now = bench.blobs.get, 0

    async def counted(sha256: str) -> bytes:
        nonlocal now
        now += 1
        reading.append(now)
        content = await get(sha256)
        now -= 1
        return content

    monkeypatch.setattr(bench.blobs, "get", counted)
    agent = Address(name="", address="agent@example.com")
    await bench.handle(
        *(
            mail_parsed(in_reply_to=[one.message_id], sender=agent, text="", text_blob=blob)
            for one in issues
        )
    )
    assert await bench.rows("SELECT count(*) FROM comment") == [(12,)]
    assert (len(reading), max(reading)) == (12, TEXTS_AT_ONCE)


async def test_a_reply_with_nothing_new_is_never_an_empty_comment(bench: Bench) -> None:
    await bench.handle(mail_parsed())
    message_id, text = notification(bench)
    quoted = "".join(f"> {line}\n" for line in text.splitlines())
    await bench.arrive(reply(quoted, message_id))
    ((body,),) = await bench.rows("SELECT body FROM comment")
    assert "> We received your message; its number is HELP-1" in body


async def test_an_account_may_want_the_whole_text_as_the_comment(bench: Bench) -> None:
    before = mail_account(authserv_ids=[AUTHSERV_ID])
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


async def test_the_search_finds_large_messages_and_answers(bench: Bench) -> None:
    await bench.arrive(message("It burns. " * 30_000))
    message_id, _ = notification(bench)
    await bench.arrive(reply("Use water. " * 30_000, message_id))
    texts = "SELECT description, body FROM issue JOIN comment USING (issue_key)"
    assert await bench.rows(texts) == [("", "")]
    for word, by_comment in {"burns": False, "water": True}.items():
        assert await bench.rows(
            f"SELECT comment_id IS NOT NULL FROM issue_text WHERE words @@ '{word}'::tsquery"
        ) == [(by_comment,)]


async def test_an_unavailable_blob_store_delays_only_the_issue_that_needs_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(*_: object) -> bytes:
        raise TransientError("the blob store does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(bench.blobs, "get_beginning", unavailable)
        await bench.arrive(message("It burns. " * 30_000))
        await bench.handle(mail_parsed())
    states = await bench.rows("SELECT state FROM incoming_mail ORDER BY arrival")
    assert states == [("waiting",), ("done",)]
    bench.clock.move(60)
    await bench.work()
    assert await bench.rows("SELECT count(*) FROM issue") == [(2,)]


def message(text: str) -> bytes:
    """Returns a message that makes an issue."""
    return reply(text, "<unknown@example.org>", "ada@example.org", Subject="Printer on fire")
