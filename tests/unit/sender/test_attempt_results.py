"""Tests the decision about each recipient, as a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from postrail.clock import SettableClock
from postrail.courier import Answer, State
from postrail.outgoing.queue import Claimed
from postrail.outgoing.results import DeliveryState
from postrail.settings import SenderSettings
from services.sender.attempt_results import attempt_result, dead_address, postponed, refused

NOW = SettableClock().now()
SETTINGS = SenderSettings()


def claimed(
    *,
    waited_hours: float = 0.0,
    attempts: int = 1,
    maybe_twice: bool = False,
    unknown: int = 0,
    draft: str = "",
) -> Claimed:
    return Claimed(
        claim="c",
        outgoing_id="o",
        conversation="v",
        issue_key="DEMO-1",
        issue_id=1,
        connection="relay",
        envelope_from="help@example.org",
        message_id="<1@example.org>",
        mailbox="support",
        queued_at=NOW - timedelta(days=99),
        tried_since=NOW - timedelta(hours=waited_hours),
        received_at=None,
        from_name="",
        reply_to="",
        recipient="ann@example.org",
        name="",
        subject="Hello",
        text="",
        in_reply_to=None,
        reference_ids=(),
        whole_message=None,
        message_blob=None,
        forwards=None,
        html=None,
        by_person=False,
        author_name="",
        tokens={},
        attachments=None,
        attempts=attempts,
        maybe_twice=maybe_twice,
        unknown_attempts=unknown,
        draft=draft,
    )


def answer(state: State) -> Answer:
    return Answer(recipient="ann@example.org", state=state, reply="words")


@pytest.mark.parametrize(
    ("state", "waited_hours", "before", "outcome", "maybe_twice"),
    [
        # The server accepted it.
        ("sent", 0, False, "sent", False),
        # It accepted it, and may have accepted an earlier attempt too.
        ("sent", 0, True, "sent", True),
        # 5xx is final at once.
        ("failed", 0, False, "failed", False),
        # 4xx is tried again.
        ("deferred", 100, False, "deferred", False),
        # For five days.
        ("deferred", 121, False, "failed", False),
        # Unknown: tried again, and marked as maybe sent twice.
        ("unknown", 0, False, "deferred", True),
        # Nobody knows that it has failed.
        ("unknown", 121, False, "unconfirmed", True),
    ],
)
def test_outcomes(
    state: State, waited_hours: float, before: bool, outcome: DeliveryState, maybe_twice: bool
) -> None:
    mail = claimed(waited_hours=waited_hours, maybe_twice=before)

    result = attempt_result(mail, answer(state), NOW, SETTINGS)

    assert (result.state, result.maybe_twice) == (outcome, maybe_twice)
    assert result.reply.endswith("words")


@pytest.mark.parametrize(
    ("state", "waited_hours", "unknown", "outcome", "pause_seconds"),
    [
        # Repeated at most twice, with long pauses; then a person decides.
        ("unknown", 0, 0, "deferred", 3600),
        ("unknown", 1, 1, "deferred", 7200),
        ("unknown", 3, 2, "unconfirmed", 0),
        # A person's retry is one more attempt.
        ("unknown", 50, 3, "unconfirmed", 0),
        # A repetition that is deferred has the usual pause.
        ("deferred", 1, 1, "deferred", 60),
        # One that is given up may have arrived by an earlier attempt.
        ("deferred", 121, 1, "unconfirmed", 0),
        ("sent", 1, 2, "sent", 0),
        ("failed", 1, 2, "failed", 0),
    ],
)
def test_attempts_of_unknown_outcome(
    state: State, waited_hours: float, unknown: int, outcome: DeliveryState, pause_seconds: float
) -> None:
    mail = claimed(waited_hours=waited_hours, maybe_twice=unknown > 0, unknown=unknown)

    result = attempt_result(mail, answer(state), NOW, SETTINGS)

    assert result.state == outcome
    assert result.unknown_attempts == unknown + (state == "unknown")
    assert (result.due_at - NOW).total_seconds() == pause_seconds


def test_a_draft_settles_an_unknown_outcome_soon() -> None:
    result = attempt_result(claimed(draft="AAkA1"), answer("unknown"), NOW, SETTINGS)
    assert (result.state, result.due_at - NOW) == ("deferred", timedelta(minutes=1))


@pytest.mark.parametrize(
    ("settles_earlier", "unknown", "maybe_twice"),
    [(True, 1, False), (False, 1, True), (True, 2, True)],
)
def test_an_answer_that_settles_the_attempt_before(
    settles_earlier: bool, unknown: int, maybe_twice: bool
) -> None:
    """Of two attempts in doubt it settles the later one only."""
    mail = claimed(maybe_twice=True, unknown=unknown)
    told = replace(answer("sent"), settles_earlier=settles_earlier)
    assert attempt_result(mail, told, NOW, SETTINGS).maybe_twice is maybe_twice


@pytest.mark.parametrize(("repeats", "outcome"), [(0, "unconfirmed"), (1, "deferred")])
def test_the_number_of_repetitions_is_settable(repeats: int, outcome: DeliveryState) -> None:
    settings = SETTINGS.model_copy(update={"unknown_repeats": repeats})

    result = attempt_result(claimed(), answer("unknown"), NOW, settings)

    assert result.state == outcome


@pytest.mark.parametrize(("pause_seconds", "outcome"), [(0, "deferred"), (2, "failed")])
def test_what_goes_over_a_fallback_at_once_is_not_given_up(
    pause_seconds: float, outcome: DeliveryState
) -> None:
    retry_at = NOW + timedelta(seconds=pause_seconds)
    mail = claimed(waited_hours=132)

    result = attempt_result(mail, answer("deferred"), NOW, SETTINGS, retry_at=retry_at)

    assert result.state == outcome


def test_giving_up_says_after_how_long() -> None:
    result = attempt_result(claimed(waited_hours=132), answer("deferred"), NOW, SETTINGS)

    assert result.reply == "Given up after 5.5 days: words"


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 1), (2, 5), (3, 15), (4, 60), (5, 60), (100, 60)]
)
def test_pauses_grow_to_an_hour(attempts: int, minutes: int) -> None:
    result = attempt_result(claimed(attempts=attempts), answer("deferred"), NOW, SETTINGS)

    assert result.due_at - NOW == timedelta(minutes=minutes)


def test_the_pauses_are_settable() -> None:
    settings = SenderSettings(retry_pauses_seconds=(1, 30))

    result = attempt_result(claimed(attempts=3), answer("deferred"), NOW, settings)

    assert result.due_at - NOW == timedelta(seconds=30)


def test_a_given_retry_time_is_used() -> None:
    probe_at = NOW + timedelta(seconds=2)

    result = attempt_result(claimed(), answer("deferred"), NOW, SETTINGS, retry_at=probe_at)

    assert result.due_at == probe_at


def test_answers_without_an_attempt() -> None:
    assert postponed(claimed(), "later").state == "deferred"
    assert postponed(claimed(), "who knows", state="unknown").state == "unknown"
    assert refused(claimed(), "never").state == "failed"


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ("550 5.1.1 No such user", "5.1.1"),
        ("550-5.1.1 The email account that you tried to reach does not exist", "5.1.1"),
        ("550 5.1.2 Bad destination system", "5.1.2"),
        ("501 5.1.3 Bad recipient address syntax", "5.1.3"),
        ("550 5.1.6 User has moved", "5.1.6"),
        ("556 5.1.10 Null MX", "5.1.10"),
        ("550 5.2.1 The mailbox is disabled", "5.2.1"),
        # Only words.
        ("550 No such user here", ""),
        # The sender's address, a full mailbox, the network, the message, a policy.
        (
            "550 5.1.0 <bounces+x@desk.example>: Sender address rejected: User unknown in virtual"
            " mailbox table",
            "",
        ),
        ("550 5.1.0 Authentication required", ""),
        ("550 5.1.7 Bad sender", ""),
        ("553 5.1.8 Domain of sender does not exist", ""),
        # An ambiguous address, a valid one, one behind another server; no code of RFC 3463.
        ("550 5.1.4 x", ""),
        ("550 5.1.5 x", ""),
        ("550 5.1.9 x", ""),
        ("550 5.1.70 x", ""),
        ("552 5.2.2 Mailbox full", ""),
        ("550 5.4.1 Recipient address rejected: Access denied", ""),
        ("550 5.6.0 No", ""),
        ("554 5.7.1 Relay access denied; 5.1.1", ""),
        # No status, or not the reply's.
        ("550 5.1.1.9 x", ""),
        ("550 see 5.1.1", ""),
    ],
)
def test_only_a_code_says_that_an_address_is_dead(reply: str, status: str) -> None:
    refused_at_rcpt = Answer(
        recipient="a@x.example", state="failed", reply=reply, refused_recipient=True
    )
    assert dead_address(refused_at_rcpt) == status
    result = attempt_result(claimed(), refused_at_rcpt, NOW, SETTINGS)
    assert (result.state, result.dead_address) == ("failed", status)
    # The same words about the sender or the message say nothing about the address.
    assert dead_address(replace(refused_at_rcpt, refused_recipient=False)) == ""
    assert dead_address(replace(refused_at_rcpt, state="deferred")) == ""
