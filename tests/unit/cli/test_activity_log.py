"""The lines that `postrail up` prints for messages and notifications."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from postrail.views.activity import HandledMail, Notified
from services.cli.local.activity_log import lines

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def handled(seconds: float, outcome: str = "issue", reason: str = "no known one") -> HandledMail:
    return HandledMail(
        mail_id="3f",
        revision=1,
        message_id="<1@example.org>",
        sender="ada@example.org",
        subject="No coffee",
        outcome=outcome,
        reason=reason,
        issue_key="HELP-1",
        fetched_at=NOW + timedelta(seconds=seconds - 0.25),
        handled_at=NOW + timedelta(seconds=seconds),
    )


def notified(seconds: float, state: str = "sent", reply: str = "250 OK") -> Notified:
    return Notified(
        outgoing_id="a1",
        cause="mail 3f revision 1",
        issue_key="HELP-1",
        recipient="ada@example.org",
        state=state,
        reply=reply,
        changed_at=NOW + timedelta(seconds=seconds),
    )


def printed(mails: list[HandledMail], notifications: list[Notified]) -> list[str]:
    """Returns the lines without their times of day."""
    return [line[10:] for line, _, _ in lines(mails, notifications)]


def test_events_come_in_the_order_of_their_time() -> None:
    assert printed([handled(1)], [notified(0.5)]) == [
        "HELP-1 → notification to ada@example.org sent",
        "ada@example.org: No coffee → issue HELP-1, 250 ms after it was fetched",
    ]


def test_outcomes_other_than_issue_and_comment_have_their_reason() -> None:
    (line,) = printed([handled(1, "duplicate", "same mail as 2e in this mailbox")], [])
    assert "→ duplicate HELP-1 (same mail as 2e in this mailbox)" in line


def test_an_unsent_delivery_shows_the_servers_reply() -> None:
    (line,) = printed([], [notified(1, "deferred", "451 4.7.1 later")])
    assert line.endswith("ada@example.org deferred: 451 4.7.1 later")


def test_each_state_of_a_delivery_is_an_event_of_its_own() -> None:
    events = lines([], [notified(1, "deferred"), notified(2)])
    assert len({identity for _, identity, _ in events}) == 2
