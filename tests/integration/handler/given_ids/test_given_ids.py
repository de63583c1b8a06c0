"""What names our messages by the Message-ID that Exchange or Amazon SES gave them."""

from __future__ import annotations

from email import message_from_bytes

import pytest

from postrail.courier import Answer, Envelope, TimeLimit
from postrail.message_parts import Address
from postrail.operate.issues.comment import comment
from tests.integration.handler.bench import Bench
from tests.integration.handler.bounces.scene import ADA, bounce_of, new_issues, reports
from tests.integration.handler.test_internal_comments import (
    AGENT,
    BY_ADA,
    internal_message_id,
    stored,
)
from tests.integration.sender.bench import Bench as Sender
from tests.makers.records import mail_parsed


def given(message_id: str) -> str:
    """Returns the id that the mail system gives the message with this one."""
    return f"{message_id.partition('@')[0]}.given@eurprd01.prod.exchangelabs.com>"


def take(envelope: Envelope, limit: TimeLimit) -> list[Answer]:
    own = message_from_bytes(envelope.content)["Message-ID"]
    return [
        Answer(recipient=one, state="sent", reply="202", message_id=given(own))
        for one in envelope.recipients
    ]


async def send(bench: Bench) -> None:
    """Sends all that is queued, through a mail system that gives each message another id."""
    sender = Sender(bench.settings, bench.pool)
    await sender.channels.refresh()
    for courier in sender.couriers:
        courier.behaviour = take
    await sender.rounds(3)
    assert set(await sender.states()) == {"sent"}
    await sender.close()


async def test_an_answer_finds_its_issue(bench: Bench) -> None:
    (message_id,) = await new_issues(bench)
    await send(bench)
    await bench.handle(
        mail_parsed(sender=BY_ADA, subject="Thanks", in_reply_to=[given(message_id)])
    )
    assert await bench.outcomes() == [("done", "issue", "HELP-1"), ("done", "comment", "HELP-1")]


async def test_of_two_issues_of_a_conversation_an_answer_finds_the_one_it_is_about(
    bench: Bench,
) -> None:
    """The newest issue would be the other one."""
    await bench.handle(mail_parsed(subject="One", message_id="<first@x>"))
    await new_issues(bench)
    ((first_id,),) = await bench.rows(
        "SELECT message_id FROM delivery WHERE recipient = 'ada@example.org'"
        " ORDER BY sequence LIMIT 1"
    )
    await bench.rows(
        "INSERT INTO conversation_issue (conversation, issue_id) SELECT one.conversation,"
        " two.issue_id FROM issue_index AS one, issue_index AS two"
        " WHERE one.issue_key = 'HELP-1' AND two.issue_key = 'HELP-2' RETURNING 1"
    )
    await send(bench)
    await bench.handle(mail_parsed(sender=BY_ADA, subject="Thanks", in_reply_to=[given(first_id)]))
    assert (await bench.outcomes())[-1] == ("done", "comment", "HELP-1")


@pytest.mark.parametrize("field", ["in_reply_to", "references"])
async def test_an_answer_to_an_internal_comment_is_internal(bench: Bench, field: str) -> None:
    internal_id = given(await internal_message_id(bench))
    await send(bench)
    sender = Address(name="", address="other@example.com")
    named = {"in_reply_to": ["<x@y>"], "references": [internal_id, "<x@y>"]}
    named = {"in_reply_to": [internal_id]} if field == "in_reply_to" else named
    await bench.handle(mail_parsed(sender=sender, subject="So", text="So what?", **named))
    assert await stored(bench) == [("other@example.com", True)]


async def test_an_answer_by_the_recipient_takes_part(bench: Bench) -> None:
    """An assignee who watches nothing was told once, and answers what they were told."""
    (message_id,) = await new_issues(bench)
    await comment(bench.desk, AGENT, "HELP-1", "It is fixed.")
    await send(bench)
    await bench.rows("DELETE FROM watcher RETURNING 1")
    await bench.handle(
        mail_parsed(sender=BY_ADA, subject="Thanks", in_reply_to=[given(message_id)])
    )
    ((facts,),) = await bench.rows(
        "SELECT trace -> 'facts' FROM incoming_mail ORDER BY arrival DESC LIMIT 1"
    )
    assert facts["answered_in"]


async def test_a_bounce_finds_its_delivery(bench: Bench) -> None:
    (message_id,) = await new_issues(bench)
    await send(bench)
    await bench.handle(bounce_of(given(message_id)))
    assert (await bench.outcomes())[-1] == ("done", "bounced", "HELP-1")
    assert await reports(bench) == [(ADA, "hard", "5.1.1")]


async def test_our_own_message_is_no_issue(bench: Bench) -> None:
    """A forward brings it back, and removed the header that has our own Message-ID."""
    (message_id,) = await new_issues(bench)
    await send(bench)
    await bench.handle(mail_parsed(sender=BY_ADA, subject="Received", message_id=given(message_id)))
    assert await bench.rows(
        "SELECT outcome, reason FROM incoming_mail ORDER BY arrival DESC LIMIT 1"
    ) == [("ignored", "we sent it ourselves, as its field Message-ID shows")]
