"""Desks, lists and robots that answer each other: each loop stops, with the number of mails."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from email.message import EmailMessage

import pytest

from postrail.configuration.models.limit import Limit, LimitName
from postrail.notifications.mime.message_ids import OWN_HEADER
from postrail.operate.issues.act import Actor
from postrail.operate.issues.watch import watch
from tests.integration.handler.bench import Bench
from tests.integration.handler.loops.exchange import (
    MACHINE_FIELDS,
    MOST_ROUNDS,
    answering,
    exchange,
    outgoing,
    read,
    replaced,
    without,
    written,
)
from tests.integration.handler.loops.test_attacks import NO_ANSWER_LIMITS, held, outcomes

HERE, THERE = "support@example.com", "help@other.example"
AGENT = Actor(address="agent@example.com", name="Agent")
LIST = "all@lists.example"
Change = Callable[[bytes], bytes]


def as_it_is(raw: bytes) -> bytes:
    return raw


def without_marks(raw: bytes) -> bytes:
    """A gateway removes what it does not know."""
    return without(raw, *MACHINE_FIELDS, OWN_HEADER)


def without_marks_and_threads(raw: bytes) -> bytes:
    return without(without_marks(raw), "In-Reply-To", "References")


def as_new(raw: bytes) -> bytes:
    """A ticket system writes of its own tickets only."""
    subject = f"Ticket {uuid.uuid4()}"
    return replaced(without_marks_and_threads(raw), Subject=subject)


async def between(here: Bench, there: Bench, change: Change, *, minutes: float) -> int:
    """Carries what the two desks write to each other until both are silent; returns the number."""
    desks = {HERE: here, "desk@example.com": here, THERE: there}
    carried = 0
    for _ in range(MOST_ROUNDS):
        sent = [*await outgoing(here), *await outgoing(there)]
        if not sent:
            return carried
        for recipient, raw in sent:
            carried += 1
            desks[recipient].clock.move(minutes * 60)
            await desks[recipient].arrive(change(raw))
    raise AssertionError(f"the desks have not stopped after {carried} mails")


@pytest.mark.parametrize(
    ("change", "limited", "minutes", "mails"),
    [
        # The second desk sees that a machine has written, and is silent.
        (as_it_is, True, 0, 1),
        # It confirms; the first desk takes that as a comment of the only one who watches.
        (without_marks, True, 0, 2),
        (without_marks_and_threads, True, 0, 2),
        # All is new to both: each confirms once in ten minutes.
        (as_new, True, 0, 2),
        # Slow desks stop by the number of a day, each after its twentieth.
        (as_new, True, 11, 40),
        # Without limits of answers, by the number of messages of a sender.
        (as_new, False, 0, 40),
    ],
)
async def test_two_desks_that_answer_each_other_stop(
    bench: Bench, other: Bench, change: Change, *, limited: bool, minutes: float, mails: int
) -> None:
    if not limited:
        await bench.save(*NO_ANSWER_LIMITS)
        await other.save(*NO_ANSWER_LIMITS)
    # Somebody writes to the one in the name of the other.
    await bench.arrive(written(THERE))
    carried = await between(bench, other, change, minutes=minutes)
    print(f"two desks, {change.__name__}, after {minutes} minutes each: {carried} mails")
    assert carried == mails
    braked = {} if limited else {"sender_messages": 1}
    assert await held(bench) + await held(other) == braked


async def test_an_autoresponder_without_marks_answers_each_message_once(bench: Bench) -> None:
    away = "ann@away.example"
    await bench.arrive(written(away))
    await watch(bench.desk, AGENT, "HELP-1")
    mails = await exchange(bench, {away: answering(away, "I am away.")})
    print(f"an autoresponder without marks: {len(mails)} mails")
    # The confirmation; the answer to it reaches the agent, and nobody answers.
    assert mails == [away, AGENT.address]
    assert await outcomes(bench) == {"issue": 1, "comment": 1}


def list_robot(change: Change) -> Callable[[EmailMessage], bytes]:
    """Returns a list of which our mailbox is a member: it sends what it gets on to us."""
    number = 0

    def distribute(got: EmailMessage) -> bytes:
        nonlocal number
        number += 1
        sent_on = replaced(got.as_bytes(), Message_ID=f"<{number}@lists.example>", Sender=LIST)
        return change(sent_on)

    return distribute


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        # Our own header has our signature, whatever the Message-ID.
        (as_it_is, OWN_HEADER),
        (lambda raw: without(raw, *MACHINE_FIELDS), OWN_HEADER),
        # Without any trace of us it is a comment by an address that takes no part,
        (without_marks, "its sender takes no part in it"),
        (without_marks_and_threads, "the sender does not take part in it"),
        # or of the only one who watches: From is the list's, as DMARC makes lists do it.
        (lambda raw: replaced(without_marks(raw), From=LIST), "it belongs to the conversation"),
        # An issue of its own is not confirmed within ten minutes.
        (lambda raw: replaced(as_new(raw), From=LIST), "not answered: limit address_answers"),
        # Nor is one of our own address.
        (as_new, "no known conversation"),
    ],
)
async def test_a_list_that_sends_our_messages_back_stops(
    bench: Bench, change: Change, reason: str
) -> None:
    await bench.arrive(written(LIST))
    mails = await exchange(bench, {LIST: list_robot(change)})
    print(f"a list that sends our messages back, {reason}: {len(mails)} mails")
    assert mails == [LIST]
    ((last,),) = await bench.rows("SELECT reason FROM incoming_mail ORDER BY arrival DESC LIMIT 1")
    assert reason in last


async def test_our_own_message_comes_back_as_it_is(bench: Bench, other: Bench) -> None:
    """A forward, or a mailbox that is a member of itself; another installation is somebody else."""
    await bench.arrive(written("ann@shop.example"))
    ((_, ours),) = await outgoing(bench)
    await bench.arrive(ours)
    assert await bench.rows(
        "SELECT state, outcome, reason FROM incoming_mail ORDER BY arrival DESC LIMIT 1"
    ) == [("done", "ignored", "we sent it ourselves, as its field Message-ID shows")]
    await other.arrive(ours)
    assert await outcomes(other) == {"issue": 1}


async def test_our_header_counts_only_with_our_signature(bench: Bench) -> None:
    await bench.arrive(written("ann@shop.example"))
    ((_, ours),) = await outgoing(bench)
    forged = {OWN_HEADER: "<postrail.11111111-2222-3333-4444-555555555555.0123456789abcdef@x>"}
    await bench.arrive(written("eve@shop.example", fields=forged))
    # An answer names our message, and is no message of ours.
    await exchange(bench, {"ann@shop.example": answering("ann@shop.example")})
    answer = answering("ann@shop.example")
    await bench.arrive(answer(read(ours)) or b"")
    assert await outcomes(bench) == {"issue": 2, "comment": 1}


async def test_a_limit_that_an_operator_sets_holds_at_once(bench: Bench) -> None:
    await bench.save(Limit(name=LimitName.SENDER_MESSAGES, value=2, minutes=5))
    for _ in range(3):
        await bench.arrive(written("ann@shop.example", subject="new"))
    assert await held(bench) == {"sender_messages": 1}
