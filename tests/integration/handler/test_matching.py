"""Messages find their issue: by their conversation, or by a key in the subject."""

from __future__ import annotations

from dataclasses import replace

from postrail.configuration.load import load_snapshot
from postrail.database import transaction
from postrail.decision import trace as traces
from postrail.decision.decide import decide
from postrail.incoming import conversations
from postrail.message_parts import Address
from postrail.records import MailParsed, OutgoingQueued
from postrail.stream import avro
from postrail.tracker import issues
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed, verified


async def test_a_reply_to_a_known_message_becomes_a_comment(bench: Bench) -> None:
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
    await bench.handle(verified(mail_parsed(subject="[HELP-1] from an agent", sender=agent)))
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
    # Replies to the stranger's message stay with the stranger's issue, also in the same batch.
    await bench.handle(mail_parsed(in_reply_to=[str(strange.message_id)], sender=stranger))
    assert (await bench.outcomes())[-1] == ("done", "comment", "HELP-2")


async def test_messages_with_a_key_share_the_queue_of_the_issue(bench: Bench) -> None:
    await bench.handle(mail_parsed())
    agent = Address(name="", address="agent@example.com")
    for n in range(8):
        await bench.handle(verified(mail_parsed(subject="HELP-1", sender=agent, text=str(n))))
    assert await bench.rows(
        "SELECT count(DISTINCT queue) FROM incoming_mail WHERE subject = 'HELP-1'"
    ) == [(1,)]


async def test_a_reference_beats_a_key_that_contradicts_it(bench: Bench) -> None:
    agent = Address(name="", address="agent@example.com")
    await bench.handle(mail_parsed())
    other = mail_parsed(subject="other")
    await bench.handle(other)
    forwarded = mail_parsed(
        mailbox="sales", subject="HELP-1", sender=agent, references=[str(other.message_id)]
    )
    await bench.handle(verified(forwarded))
    assert (await bench.outcomes())[2] == ("done", "comment", "HELP-2")
    linked = "SELECT issue_key, linked_key FROM issue_link"
    assert await bench.rows(linked) == [("HELP-2", "HELP-1")]
    await bench.handle(mail_parsed(references=[str(other.message_id)]))
    assert (await bench.outcomes())[3] == ("done", "comment", "HELP-2")


async def second_issue(bench: Bench, first: MailParsed) -> MailParsed:
    """Makes HELP-2 by a message, and lets the conversation of the first message have it too."""
    second = mail_parsed(subject="second")
    await bench.handle(second)
    async with transaction(bench.pool) as connection:
        found = await issues.by_key(connection, ["HELP-1", "HELP-2"])
        conversation = found["HELP-1"].conversation
        await conversations.map_issues(connection, [(conversation, found["HELP-2"].issue_id)])
    return second


async def test_of_several_issues_the_newest_takes_an_answer_to_neither(bench: Bench) -> None:
    first = mail_parsed(references=["<before@x>"])
    await bench.handle(first)
    await second_issue(bench, first)
    await bench.handle(mail_parsed(in_reply_to=["<before@x>"]))
    assert (await bench.outcomes())[-1] == ("done", "comment", "HELP-2")


async def test_of_several_issues_the_answered_one_takes_the_answer(bench: Bench) -> None:
    first = mail_parsed(references=["<before@x>"])
    await bench.handle(first)
    (notified,) = bench.sent(OutgoingQueued)[0].deliveries
    second = await second_issue(bench, first)
    # The message that made the issue.
    await bench.handle(mail_parsed(in_reply_to=[str(first.message_id)]))
    # Our notification of it, named by a reference only.
    await bench.handle(mail_parsed(references=["<before@x>", notified.message_id]))
    # The nearest counts: the last reference.
    both = [str(first.message_id), "<unknown@x>", str(second.message_id)]
    await bench.handle(mail_parsed(in_reply_to=[str(first.message_id)], references=both))
    assert [key for _, _, key in (await bench.outcomes())[2:]] == ["HELP-1", "HELP-1", "HELP-1"]
    trace = await bench.rows(
        "SELECT trace -> 'facts' -> 'answered_issue' ->> 'issue_key' FROM incoming_mail"
        " ORDER BY arrival"
    )
    assert [row[0] for row in trace] == [None, None, "HELP-1", "HELP-1", "HELP-1"]


async def test_a_former_key_in_the_subject_leads_to_the_issue(bench: Bench) -> None:
    await bench.handle(mail_parsed())
    async with transaction(bench.pool) as connection:
        issue = (await issues.by_key(connection, ["HELP-1"]))["HELP-1"]
        await issues.add_alias(connection, "builtin", "OLD-7", "OLD", issue.issue_id)
    await bench.handle(mail_parsed(subject="OLD-7 more"))
    assert (await bench.outcomes())[1] == ("done", "comment", "HELP-1")
    assert await bench.rows(
        "SELECT count(DISTINCT queue), count(DISTINCT issue_id) FROM incoming_mail"
    ) == [(1, 1)]


async def test_a_stored_trace_gives_the_same_decision_again(bench: Bench) -> None:
    first = mail_parsed()
    await bench.handle(first, mail_parsed(subject="HELP-1"))
    await bench.handle(mail_parsed(in_reply_to=[str(first.message_id)]))
    async with transaction(bench.pool) as connection:
        snapshot = await load_snapshot(connection)
    for parsed, stored, outcome in await bench.rows(
        "SELECT parsed, trace, outcome FROM incoming_mail ORDER BY arrival"
    ):
        trace = traces.from_json(stored)
        assert trace is not None
        assert trace.change_id == snapshot.change_id > 0
        again = decide(avro.decode_as(MailParsed, bytes(parsed)), snapshot, trace.facts)
        assert trace.effects[0][0] in ("create_issue", "add_comment")
        # The effects are those of the time.
        assert (again.outcome, again.trace) == (outcome, replace(trace, effects=()))
