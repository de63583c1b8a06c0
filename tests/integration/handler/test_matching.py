"""Messages find their issue: by their conversation, or by a key in the subject."""

from __future__ import annotations

from postrail.records import Address
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed


async def test_a_reply_to_a_mail_that_we_know_becomes_a_comment(bench: Bench) -> None:
    first = mail_parsed()
    await bench.handle(first)
    await bench.handle(mail_parsed(references=[str(first.message_id)], subject="no key"))
    assert [outcome for _, outcome, _ in await bench.outcomes()] == ["issue", "comment"]


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
