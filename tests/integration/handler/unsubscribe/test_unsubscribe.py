"""People leave an issue by the link of a message, whatever program sends the mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import Message
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from postrail.configuration.load import load_snapshot
from postrail.database import transaction
from postrail.effects.bundles.send import send_due
from postrail.notifications.assemble import assemble
from postrail.operate.issues.comment import comment
from postrail.operate.issues.transition import transition
from postrail.outgoing.content import content_of
from tests.fakes.originals import no_original
from tests.integration.handler.bench import Bench
from tests.makers.acts import OPERATOR
from tests.makers.configuration import mail_account

ADA = "ada@example.org"
ISSUE = (
    b"From: Ada <ada@example.org>\r\nTo: support@example.com\r\nSubject: Printer\r\n"
    b"Message-ID: <1@example.org>\r\n\r\nIt burns.\r\n"
)
ROBOT = "Auto-Submitted: auto-generated\r\nPrecedence: bulk\r\n"


async def last_message(bench: Bench) -> Message:
    """Returns the last message to Ada, as a connection sends it."""
    ((outgoing_id, recipient),) = await bench.rows(
        "SELECT outgoing_id::text, recipient FROM delivery JOIN outgoing_mail USING (outgoing_id)"
        f" WHERE recipient = '{ADA}' ORDER BY outgoing_mail.sequence DESC LIMIT 1"
    )
    async with transaction(bench.pool) as connection:
        content = await content_of(connection, outgoing_id, recipient)
    assert content is not None
    return message_from_bytes(await assemble(content, None, bench.blobs, no_original))


def leaving(message: Message, number: int, *, sender: str = ADA, fields: str = "") -> bytes:
    """Returns the mail that a mail program sends for the link of the message."""
    link = urlsplit(message["List-Unsubscribe"].strip("<>"))
    (subject,) = parse_qs(link.query)["subject"]
    return (
        f"From: {sender}\r\nTo: {unquote(link.path)}\r\nSubject: {subject}\r\n{fields}"
        f"Message-ID: <leave{number}@example.org>\r\n\r\n\r\n"
    ).encode()


async def watchers(bench: Bench) -> list[str]:
    return [row[0] for row in await bench.rows("SELECT address FROM watcher ORDER BY address")]


async def history(bench: Bench) -> list[tuple[str, str, str, str]]:
    return [
        (row[0], row[1], row[2], row[3])
        for row in await bench.rows(
            "SELECT act, channel, actor_address, before #>> '{}' FROM issue_change"
            " WHERE field = 'watcher'"
        )
    ]


@pytest.mark.parametrize("plus_addresses", [True, False])
@pytest.mark.parametrize(
    ("sender", "fields"),
    [(ADA, ""), (ADA, ROBOT), ("robot@mail.example", ROBOT), ("robot@mail.example", "")],
)
async def test_a_person_leaves_an_issue(
    bench: Bench, plus_addresses: bool, sender: str, fields: str
) -> None:
    await bench.save(mail_account(plus_addresses=plus_addresses))
    await bench.arrive(ISSUE)
    message = await last_message(bench)
    assert ADA in await watchers(bench)
    sent = await bench.rows("SELECT count(*) FROM delivery")

    await bench.arrive(leaving(message, 1, sender=sender, fields=fields))
    assert ADA not in await watchers(bench)
    assert (await bench.outcomes())[-1] == ("done", "unsubscribed", "HELP-1")
    assert await history(bench) == [("watch", "mail", ADA, ADA)]
    assert await bench.rows("SELECT count(*) FROM delivery") == sent

    # It is used up, and makes neither comment nor issue.
    await bench.arrive(leaving(message, 2, sender=sender, fields=fields))
    assert (await bench.outcomes())[-1] == ("done", "ignored", None)
    assert await bench.rows("SELECT count(*) FROM issue") == [(1,)]
    done = await comment(bench.desk, OPERATOR, "HELP-1", "It is fixed.")
    assert ADA not in done.notified


async def test_the_header_and_the_footer_name_one_address(bench: Bench) -> None:
    await bench.save(mail_account("info", plus_addresses=True))
    await bench.arrive(ISSUE)
    await transition(bench.desk, OPERATOR, "HELP-1", "Done")
    message = await last_message(bench)
    link = unquote(urlsplit(message["List-Unsubscribe"].strip("<>")).path)
    assert message["List-Unsubscribe-Post"] is None
    for part in message.walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            assert f"send an empty email to {link}" in payload.decode()


async def test_a_bundle_names_the_address_too(bench: Bench) -> None:
    await bench.save(mail_account("info", plus_addresses=True))
    await bench.arrive(ISSUE)
    desk = replace(bench.desk, bundle_seconds=60)
    for status in ("Done", "Open"):
        await transition(desk, OPERATOR, "HELP-1", status)
    ((issue_id,),) = await bench.rows("SELECT issue_id FROM issue_index")
    async with transaction(bench.pool) as connection:
        snapshot = await load_snapshot(connection)
        later = bench.clock.now() + timedelta(hours=1)
        assert await send_due(connection, issue_id, snapshot, later)
    message = await last_message(bench)
    assert message["List-Unsubscribe"].startswith("<mailto:info+1u-")
    assert b"send an empty email to info+1u-" in message.as_bytes()


async def test_what_waits_for_a_bundle_is_not_sent_any_more(bench: Bench) -> None:
    await bench.save(mail_account("info", plus_addresses=True))
    await bench.arrive(ISSUE)
    desk = replace(bench.desk, bundle_seconds=60)
    await transition(desk, OPERATOR, "HELP-1", "Done")
    assert await bench.rows("SELECT recipient FROM pending_delivery") == [(ADA,)]
    await bench.arrive(leaving(await last_message(bench), 1))
    assert await bench.rows("SELECT recipient FROM pending_delivery") == []


async def test_a_person_s_comment_has_the_footer_and_no_field(bench: Bench) -> None:
    await bench.save(mail_account("info", plus_addresses=True))
    await bench.arrive(ISSUE)
    await comment(bench.desk, OPERATOR, "HELP-1", "Use water.")
    message = await last_message(bench)
    assert message["List-Unsubscribe"] is None
    assert b"send an empty email to info+1u-" in message.as_bytes()


async def test_without_plus_addresses_the_footer_asks_for_a_reply(bench: Bench) -> None:
    await bench.arrive(ISSUE)
    await transition(bench.desk, OPERATOR, "HELP-1", "Done")
    message = await last_message(bench)
    assert message["List-Unsubscribe"].startswith("<mailto:info@example.com?subject=unsubscribe")
    ((text,),) = await bench.rows("SELECT text FROM outgoing_mail ORDER BY sequence DESC LIMIT 1")
    assert "reply and ask us" in text


async def test_a_forged_token_does_nothing(bench: Bench) -> None:
    await bench.save(mail_account(plus_addresses=True))
    await bench.arrive(ISSUE)
    before = await watchers(bench)
    forged = (
        b"From: Eve <eve@example.net>\r\nTo: support+1u-0123456789abcdef@example.com\r\n"
        b"Subject: unsubscribe\r\nMessage-ID: <forged@example.net>\r\n\r\n\r\n"
    )
    await bench.arrive(forged)
    assert await watchers(bench) == before
    assert (await bench.outcomes())[-1][1] == "ignored"
    assert await history(bench) == []
