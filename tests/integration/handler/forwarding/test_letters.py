"""Forwards, answers to authors and notices in the tables of a real database."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.load import load_snapshot
from postrail.configuration.models.limit import Limit, LimitName
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.configuration.models.sender_filter import SenderFilter
from postrail.configuration.templates.message_template import MessageTemplate
from postrail.database import Connection, transaction
from postrail.decision.decision import Decision, Forward, Notice, Outcome
from postrail.effects.apply import apply
from postrail.effects.batch import Context, Decided, Work
from postrail.effects.forwarding import brake, notice
from postrail.effects.forwarding.notice import notices_of
from postrail.incoming.queue import DueMail
from postrail.message_parts import Address
from postrail.outgoing import notices
from postrail.records import MailParsed, OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed, verified
from tests.unit.effects.works import CONVERSATION

BOSS = "boss@example.net"
AN_HOUR = 3660.0
DUE = notices.due


async def configured(bench: Bench, **values: Any) -> None:
    await bench.save(MailHandler.model_validate({"name": "desk"} | values))


async def letters(bench: Bench) -> list[Any]:
    """Returns purpose, recipient, state and subject of the messages about no issue."""
    return await bench.rows(
        "SELECT purpose, recipient, state, subject FROM outgoing_mail"
        " JOIN delivery USING (outgoing_id) WHERE purpose <> ''"
        " ORDER BY purpose, outgoing_mail.sequence"
    )


async def test_actions_queue_messages_with_their_cause(bench: Bench) -> None:
    then = [{"forward": BOSS}, {"reply": "Call us."}, {"notify": BOSS}]
    await configured(bench, then=then)
    mail = mail_parsed()
    await bench.handle(mail)
    assert await letters(bench) == [
        ("forward", BOSS, "queued", "Fwd: [HELP-1] Printer on fire"),
        ("notice", BOSS, "queued", "Postrail: [HELP-1] Printer on fire"),
        ("reply", "ada@example.org", "queued", "Your message"),
    ]
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]
    queued = {one.purpose: one for one in bench.sent(OutgoingQueued)}
    assert queued["forward"].forwards == mail.mail_id
    assert queued["forward"].issue_key is None
    assert queued["reply"].reply_to == "support@example.com"
    assert queued["reply"].in_reply_to == mail.message_id
    told = "Mail handler desk tells you of this message. It became issue HELP-1."
    assert queued["notice"].text is not None
    assert queued["notice"].text.startswith(told)
    sent = "Mail handler desk sends you this message; it is attached as it was received."
    assert queued["forward"].text is not None
    assert queued["forward"].text.startswith(f"{sent} It became issue HELP-1.\n\nReason: ")


async def test_a_verified_author_gets_the_subject_back(bench: Bench) -> None:
    await configured(bench, then=[{"reply": "Call us."}, {"drop": "we answer calls only"}])
    await bench.handle(verified(mail_parsed()))
    assert await letters(bench) == [("reply", "ada@example.org", "queued", "Re: Printer on fire")]


@pytest.mark.parametrize("own", [False, True])
async def test_a_sender_is_told_that_a_filter_does_not_accept_the_message(
    bench: Bench, *, own: bool
) -> None:
    await bench.save(
        Project(key="HELP", name="Help", language="de"),
        SenderFilter(name="f", domains=[r"example\.org$"], then="push_back"),
    )
    if own:
        await bench.save(
            MessageTemplate(name="no", event="rejection", text="{{ sentence }}. Rufen Sie an.")
        )
    await bench.handle(mail_parsed())
    (mail,) = bench.sent(OutgoingQueued)
    title = "Ihre Nachricht wurde nicht angenommen"
    assert (mail.purpose, mail.event, mail.subject) == ("reply", "rejection", title)
    assert mail.template == ("no" if own else "")
    assert mail.text is not None
    assert mail.text.startswith(f"{title}. Rufen" if own else f"Guten Tag,\n\n{title}.\n\nDiese")
    assert "Printer" not in mail.text


async def test_an_answer_to_our_answer_belongs_to_its_conversation(bench: Bench) -> None:
    await configured(bench, then=[{"reply": "Call us."}])
    await bench.handle(mail_parsed())
    ((message_id,),) = await bench.rows(
        "SELECT delivery.message_id FROM delivery JOIN outgoing_mail USING (outgoing_id)"
        " WHERE purpose = 'reply'"
    )
    await bench.handle(mail_parsed(in_reply_to=[message_id], references=[message_id]))
    assert (await bench.outcomes())[1] == ("done", "comment", "HELP-1")
    assert len([one for one in await letters(bench) if one[0] == "reply"]) == 1


async def test_a_message_that_answers_a_forward_is_not_forwarded(bench: Bench) -> None:
    await configured(bench, kind="comment", forward_address=BOSS, forward_unhandled=True)
    await bench.handle(mail_parsed())
    assert await bench.outcomes() == [("done", "forwarded", None)]
    ((message_id,),) = await bench.rows("SELECT message_id FROM delivery")
    await bench.handle(mail_parsed(in_reply_to=[message_id]))
    assert (await bench.outcomes())[1] == ("done", "ignored", None)
    assert len(await letters(bench)) == 1


async def test_each_message_is_forwarded_and_the_excess_is_held(bench: Bench) -> None:
    await bench.save(Limit(name=LimitName.FORWARDS, value=3))
    await configured(bench, kind="comment", forward_address=BOSS, forward_unhandled=True)
    await bench.handle(*(mail_parsed() for _ in range(4)))
    await bench.handle(mail_parsed())
    forwards = [row[2] for row in await letters(bench) if row[0] == "forward"]
    assert forwards == ["queued"] * 3 + ["held"] * 2
    assert [row[3] for row in await letters(bench) if row[0] == "notice"] == [
        f"Postrail: held messages to {BOSS}"
    ]
    (text,) = [one.text for one in bench.sent(OutgoingQueued) if one.purpose == "notice"]
    assert text is not None
    assert text.startswith(f"Messages to {BOSS} wait until a person releases them: limit forwards")
    assert "\n\nSent by: mail handler desk\n\n" in text
    reasons = await bench.rows("SELECT DISTINCT reply FROM delivery WHERE state = 'held'")
    assert reasons == [("limit forwards: 3 messages in 60 minutes to one address",)]
    # An hour later there is room again.
    bench.clock.move(AN_HOUR)
    await bench.handle(mail_parsed())
    assert [row[2] for row in await letters(bench) if row[0] == "forward"][-1] == "queued"


async def test_people_of_a_project_get_a_notice_of_each_cause_once_an_hour(bench: Bench) -> None:
    await bench.save(
        Person(address="lead@example.com", name="Lead"),
        Person(address="admin@example.com", name="Admin", groups=["Operators"]),
        Project(
            key="HELP",
            name="Help desk",
            leads=["lead@example.com"],
            administrators=["group:operators"],
            agents=["agent@example.com"],
        ),
    )
    assert await noticed(bench, "limit a") == {"admin@example.com", "lead@example.com"}
    assert await noticed(bench, "limit a") == set()
    assert await noticed(bench, "limit b") == {"admin@example.com", "lead@example.com"}
    bench.clock.move(AN_HOUR)
    assert await noticed(bench, "limit a") == {"admin@example.com", "lead@example.com"}


@pytest.mark.parametrize(
    ("project", "forward_address", "told"),
    [
        # Without leads and administrators: who is responsible for its issues.
        ({"default_assignee": "agent@example.com"}, BOSS, {"agent@example.com"}),
        # A lead who is no active person any more is nobody.
        ({"lead": "gone@example.com"}, BOSS, {BOSS}),
        # An address of ours would be a circle.
        ({}, "support@example.com", set()),
    ],
)
async def test_a_project_without_leads_has_somebody_who_is_told(
    bench: Bench, project: dict[str, str], forward_address: str, told: set[str]
) -> None:
    await bench.save(
        Person(address="agent@example.com", name="Agent"),
        Person(address="gone@example.com", name="Gone", active=False),
        Project.model_validate({"key": "HELP", "name": "Help desk"} | project),
    )
    await configured(bench, forward_address=forward_address)
    assert await noticed(bench, "limit a") == told


async def test_a_notice_that_reached_nobody_is_sent_once_somebody_is_there(bench: Bench) -> None:
    assert await noticed(bench, "limit a") == set()
    await configured(bench, forward_address=BOSS)
    assert await noticed(bench, "limit a") == {BOSS}
    assert await noticed(bench, "limit a") == set()


async def test_the_log_says_once_an_hour_that_nobody_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(notice.logger, "warning", lambda _, cause: warned.append(cause))
    for cause in ("limit a", "limit a", "limit b"):
        assert await noticed(bench, cause) == set()
    assert warned == ["limit a in HELP", "limit b in HELP"]
    bench.clock.move(AN_HOUR)
    assert await noticed(bench, "limit a") == set()
    assert warned[2:] == ["limit a in HELP"]


async def test_a_notice_without_outgoing_connection_is_not_counted_as_sent(bench: Bench) -> None:
    await configured(bench, forward_address=BOSS)
    async with transaction(bench.pool) as connection:
        context = await context_on(bench, connection)
    unable = replace(context, snapshot=replace(context.snapshot, connections={}))
    async with transaction(bench.pool) as connection:
        due = DueMail(
            mail=mail_parsed(),
            conversation=CONVERSATION,
            queue=CONVERSATION,
            attempts=0,
            revision=0,
        )
        works = [Work(due, Notice(cause="limit a", text="Too much.", project="HELP"))]
        assert await notices_of(replace(unable, connection=connection), works) == []
    assert await noticed(bench, "limit a") == {BOSS}


async def noticed(bench: Bench, cause: str) -> set[str]:
    """Applies a notice to the people of HELP; returns who gets it."""
    due = DueMail(
        mail=mail_parsed(), conversation=CONVERSATION, queue=CONVERSATION, attempts=0, revision=0
    )
    async with transaction(bench.pool) as connection:
        context = await context_on(bench, connection)
        works = [Work(due, Notice(cause=cause, text="Too much.", project="HELP"))] * 2
        sent = await notices_of(context, works)
    return {delivery.recipient for _, mail in sent for delivery in mail.deliveries}


async def context_on(bench: Bench, connection: Connection) -> Context:
    return Context(
        connection=connection,
        tracker=bench.tracker,
        blobs=bench.blobs,
        snapshot=await load_snapshot(connection),
        message_id_key=b"key",
        excerpt_max_characters=1000,
        now=bench.clock.now(),
    )


async def test_a_person_whom_a_message_made_is_told_once(bench: Bench) -> None:
    await configured(bench, create_users=True)
    # Messages on an issue, which cause no other answer.
    issue = mail_parsed(sender=Address(name="Bo", address="bo@example.org"))
    answers = [mail_parsed(in_reply_to=[issue.message_id]) for _ in range(3)]
    await bench.handle(issue, *answers[:2])
    await bench.handle(answers[2])
    assert await letters(bench) == [
        ("account", "ada@example.org", "queued", "We know your address now")
    ]
    ((text, name),) = await bench.rows(
        "SELECT text, name FROM outgoing_mail JOIN delivery USING (outgoing_id)"
        " WHERE purpose = 'account'"
    )
    assert "we now know ada@example.org as a person" in text
    # Somebody else may have written the name.
    assert name == ""


async def test_nobody_is_told_where_that_is_off(bench: Bench) -> None:
    await configured(bench, create_users=True, notify_users=False)
    await bench.handle(mail_parsed())
    assert await letters(bench) == []


async def test_what_a_handler_tells_is_held_above_the_limit_too(bench: Bench) -> None:
    await bench.save(Limit(name=LimitName.FORWARDS, value=2))
    await configured(bench, then=[{"notify": BOSS}, {"drop": "spam"}])
    await bench.handle(*(mail_parsed() for _ in range(4)))
    subject = "Postrail: Printer on fire"
    assert [row[2:] for row in await letters(bench)] == [
        ("queued", subject),
        ("queued", subject),
        ("held", subject),
        ("held", subject),
        ("queued", f"Postrail: held messages to {BOSS}"),
    ]


async def test_a_responder_that_hides_itself_stops_at_the_limit(bench: Bench) -> None:
    """Answers each forward from another address, without a reference and without a mark."""
    await bench.save(Limit(name=LimitName.FORWARDS, value=10))
    await configured(bench, kind="comment", forward_address=BOSS, forward_unhandled=True)
    responder = Address(name="", address="vacation@example.net")
    await bench.handle(mail_parsed())
    answered = 0
    while (due := len([one for one in await letters(bench) if one[2] == "queued"])) > answered:
        assert answered < 50
        answers = [mail_parsed(sender=responder) for _ in range(due - answered)]
        answered = due
        await bench.handle(*answers)
    states = Counter((row[0], row[2]) for row in await letters(bench))
    print(f"a hidden responder: {states}")
    # The eleventh message is the notice, which the responder answers, too.
    assert states == {("forward", "queued"): 10, ("forward", "held"): 2, ("notice", "queued"): 1}


async def test_replicas_that_hold_forwards_and_send_notices_do_not_wait_for_each_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one holds a forward to the boss, and both tell the boss of one cause."""
    await bench.save(Limit(name=LimitName.FORWARDS, value=1))
    await configured(bench, kind="comment", forward_address=BOSS, forward_unhandled=True)
    await bench.handle(mail_parsed())
    notice = Notice(cause="limit a", text="Too much.", to=BOSS)
    forwarding = Decision(
        outcome=Outcome.FORWARDED, reason="", effects=(Forward(to=BOSS, reason="", by="x"), notice)
    )
    telling = Decision(outcome=Outcome.IGNORED, reason="", effects=(notice,))
    both_locked = asyncio.Barrier(2)

    async def due(*given: Any) -> set[str]:
        found = await DUE(*given)
        # Each has its first locks now, unless one waits for the other.
        with contextlib.suppress(TimeoutError, asyncio.BrokenBarrierError):
            await asyncio.wait_for(both_locked.wait(), 0.5)
        return found

    monkeypatch.setattr(notices, "due", due)
    await asyncio.gather(
        *(applied(bench, decision, mail_parsed()) for decision in (forwarding, telling))
    )


async def applied(bench: Bench, decision: Decision, mail: MailParsed) -> None:
    due = DueMail(mail=mail, conversation=CONVERSATION, queue=CONVERSATION, attempts=0, revision=0)
    async with transaction(bench.pool) as connection:
        await apply(await context_on(bench, connection), [Decided(due, decision)])


async def test_a_batch_that_sends_nothing_on_does_not_count(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(brake, "sent_on_since")
    await bench.handle(mail_parsed())
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]
