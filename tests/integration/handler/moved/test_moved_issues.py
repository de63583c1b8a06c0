"""Mail to issues that were moved or merged: by conversation, by key, by our Message-IDs."""

from __future__ import annotations

import pytest

from postrail.message_parts import Address
from postrail.operate.issues.merge import merge
from postrail.operate.issues.move import move
from postrail.records import MailParsed, OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.makers.acts import OPERATOR
from tests.makers.records import mail_parsed

BO = Address(name="Bo", address="bo@example.org")
COMMENTS = "SELECT issue_key, body FROM comment ORDER BY comment_id"


async def last(bench: Bench) -> tuple[str, str, str | None]:
    return (await bench.outcomes())[-1]


def answer_to(mail: MailParsed, **fields: object) -> MailParsed:
    return mail_parsed(**{"in_reply_to": [str(mail.message_id)], "subject": "no key", **fields})


@pytest.mark.parametrize("mailbox", ["support", "sales"])
async def test_an_answer_reaches_a_moved_issue_in_its_former_and_its_present_project(
    bench: Bench, mailbox: str
) -> None:
    first = mail_parsed(cc=[BO])
    await bench.handle(first)
    await move(bench.desk, OPERATOR, "HELP-1", "SALE")
    await bench.handle(answer_to(first, mailbox=mailbox, sender=BO))
    assert await last(bench) == ("done", "comment", "SALE-1")
    told = bench.sent(OutgoingQueued)[-1]
    assert (told.issue_key, told.subject) == ("SALE-1", "[SALE-1] Printer on fire")
    # The answer to this goes where the message came to.
    assert told.reply_to == f"{mailbox}@example.com"
    assert await bench.rows("SELECT count(*) FROM issue") == [(1,)]


@pytest.mark.parametrize("mailbox", ["support", "sales"])
async def test_a_former_key_reaches_a_moved_issue(bench: Bench, mailbox: str) -> None:
    await bench.handle(mail_parsed())
    await move(bench.desk, OPERATOR, "HELP-1", "SALE")
    await bench.handle(mail_parsed(mailbox=mailbox, subject="Re: [HELP-1] Printer on fire"))
    assert await last(bench) == ("done", "comment", "SALE-1")
    ((reason,),) = await bench.rows("SELECT reason FROM incoming_mail WHERE outcome = 'comment'")
    assert reason.startswith("the subject names HELP-1, which is SALE-1 now, and")
    queues = "SELECT count(DISTINCT queue) FROM incoming_mail"
    assert await bench.rows(queues) == [(1,)]
    # Its conversation has joined the issue, whichever mailbox the rest of it comes to.
    keyed = (await bench.rows("SELECT message_id FROM incoming_mail ORDER BY arrival"))[1][0]
    await bench.handle(mail_parsed(in_reply_to=[keyed], subject="no key", mailbox="support"))
    assert await last(bench) == ("done", "comment", "SALE-1")


async def test_a_stranger_who_names_a_former_key_gets_a_linked_issue(bench: Bench) -> None:
    await bench.handle(mail_parsed())
    await move(bench.desk, OPERATOR, "HELP-1", "SALE")
    stranger = Address(name="", address="mallory@example.net")
    await bench.handle(mail_parsed(subject="HELP-1", sender=stranger))
    assert await last(bench) == ("done", "issue", "HELP-2")
    assert await bench.rows("SELECT * FROM issue_link") == [("HELP-2", "SALE-1", "relates to")]


async def test_an_answer_stays_with_an_issue_that_is_moved_there_and_back(bench: Bench) -> None:
    first = mail_parsed()
    await bench.handle(first)
    for project in ("SALE", "HELP"):
        await move(bench.desk, OPERATOR, "HELP-1", project)
    await bench.handle(answer_to(first), answer_to(first, mailbox="sales"))
    assert [key for _, _, key in await bench.outcomes()] == ["HELP-1", "HELP-2", "HELP-2"]


async def two_issues(bench: Bench) -> tuple[MailParsed, MailParsed]:
    """Makes HELP-1, and SALE-1 of bo@example.org; returns their messages."""
    first, second = mail_parsed(), mail_parsed(mailbox="sales", subject="other", sender=BO)
    await bench.handle(first, second)
    return first, second


async def test_a_merged_issue_is_reached_by_everything_that_named_it(bench: Bench) -> None:
    _, second = await two_issues(bench)
    notification = bench.sent(OutgoingQueued)[-1]
    assert notification.issue_key == "SALE-1"
    await merge(bench.desk, OPERATOR, "SALE-1", "HELP-1")
    by_notification = [notification.deliveries[0].message_id]
    await bench.handle(
        answer_to(second, mailbox="sales", sender=BO, text="by Message-ID"),
        mail_parsed(mailbox="sales", sender=BO, subject="SALE-1", text="by key"),
        mail_parsed(mailbox="support", sender=BO, subject="SALE-1", text="by key elsewhere"),
        mail_parsed(mailbox="sales", in_reply_to=by_notification, subject="", text="by ours"),
    )
    assert await bench.rows(COMMENTS) == [
        # The description of SALE-1.
        ("HELP-1", "It burns."),
        ("HELP-1", "by Message-ID"),
        ("HELP-1", "by key"),
        ("HELP-1", "by key elsewhere"),
        ("HELP-1", "by ours"),
    ]
    assert {key for _, _, key in (await bench.outcomes())[2:]} == {"HELP-1"}
    # Both reporters watch it.
    told = bench.sent(OutgoingQueued)[-1]
    assert [one.recipient for one in told.deliveries] == ["bo@example.org"]
    assert told.issue_key == "HELP-1"


async def test_a_message_that_comes_again_after_a_merge_has_no_second_effect(
    bench: Bench,
) -> None:
    first = mail_parsed(source="INBOX;uidvalidity=1;uid=1", message_id="<m@x>", fingerprint="f")
    await bench.handle(first, mail_parsed(subject="other"))
    await merge(bench.desk, OPERATOR, "HELP-1", "HELP-2")
    again = mail_parsed(source="INBOX;uidvalidity=2;uid=1", message_id="<m@x>", fingerprint="f")
    await bench.handle(again)
    assert await last(bench) == ("done", "duplicate", "HELP-2")


async def test_an_answer_to_two_mailboxes_of_merged_issues_is_one_comment(bench: Bench) -> None:
    """Somebody wrote to both projects; the two issues were merged; they answer to all."""
    for mailbox in ("support", "sales"):
        await bench.handle(mail_parsed(mailbox=mailbox, message_id="<m@x>", fingerprint="f"))
    await merge(bench.desk, OPERATOR, "SALE-1", "HELP-1")
    for mailbox in ("support", "sales", "info"):
        answer = mail_parsed(
            mailbox=mailbox, message_id="<a@x>", fingerprint="g", in_reply_to=["<m@x>"]
        )
        await bench.handle(answer)
    assert (await bench.outcomes())[2:] == [
        ("done", "comment", "HELP-1"),
        ("done", "noted", "HELP-1"),
        ("done", "noted", "HELP-1"),
    ]


@pytest.mark.parametrize("by", ["received", "sent"])
async def test_of_several_issues_the_one_is_answered_that_took_the_message_over(
    bench: Bench, by: str
) -> None:
    """A conversation has HELP-1, HELP-2 and HELP-3; HELP-1 is merged into HELP-2."""
    mails = [mail_parsed(fingerprint=f"{n}", subject=f"{n}") for n in range(3)]
    await bench.handle(*mails)
    sent = bench.sent(OutgoingQueued)[0].deliveries[0].message_id
    await bench.rows(
        "INSERT INTO conversation_issue (conversation, issue_id) SELECT mail.conversation, other"
        " FROM incoming_mail AS mail, unnest(ARRAY[2, 3]) AS other WHERE mail.issue_id = 1"
        " RETURNING 1"
    )
    await merge(bench.desk, OPERATOR, "HELP-1", "HELP-2")
    answered = str(mails[0].message_id) if by == "received" else sent
    await bench.handle(mail_parsed(in_reply_to=[answered], subject="no key"))
    assert await last(bench) == ("done", "comment", "HELP-2")
