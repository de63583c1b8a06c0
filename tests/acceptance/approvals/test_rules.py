"""Whose answers decide, and what the deadline means: each rule by real mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.acceptance.approvals.office import ADA, BEN, CLEO, WAIT_SECONDS, Office
from tests.acceptance.approvals.rows import (
    APPROVED,
    OPEN,
    REJECTED,
    Acts,
    Row,
    require_as_told,
    run,
)

pytestmark = [pytest.mark.debian, pytest.mark.timeout(240)]

ALL_THREE = (ADA, BEN, CLEO)
# Long enough for the request to be sent before it is over.
SOON = "15s"


def turns(*answers: tuple[str, str]) -> Acts:
    """Lets approvers answer one after the other, each with a text."""

    def act(office: Office, key: str) -> Iterator[None]:
        for person, text in answers:
            office.answer(person, key, text)
            yield

    return act


def lets_time_pass(office: Office, key: str) -> Iterator[None]:
    office.pass_deadline(key)
    office.wait_for_state(key, "expired", "decided")
    yield


def escalates(office: Office, key: str) -> Iterator[None]:
    office.pass_deadline(key)
    office.answer(CLEO, key, "Approve")
    yield
    # The approver before is asked no longer.
    office.answer(ADA, key, "Reject")
    yield


def is_reminded(office: Office, key: str) -> Iterator[None]:
    office.pipeline.wait_until(
        lambda: len(office.about(ADA, key)) > 1, WAIT_SECONDS, f"a reminder of {key}"
    )
    request, reminder = office.about(ADA, key)[:2]
    assert str(request["Message-ID"]) in str(reminder["References"])
    assert reminder["Reply-To"] == request["Reply-To"]
    office.answer(ADA, key, "Approve")
    yield


def row(acts: Acts, state: tuple[str, str], approvers: Sequence[str], **options: str) -> Row:
    return Row(acts, state, approvers=tuple(approvers), options=options)


CHOICES = ("tonight", "tomorrow", "never:reject")
YES, NO = "Approve", "Reject"
ROWS = {
    # The first, as those who are asked then have only as long again.
    "escalates": Row(
        escalates,
        APPROVED,
        refused=(("decided", True),),
        options={"deadline": "30s", "escalate_to": CLEO},
    ),
    "any: the first": row(turns((BEN, NO)), REJECTED, (ADA, BEN)),
    "all: not yet": row(turns((ADA, YES)), OPEN, (ADA, BEN), rule="all"),
    "all": row(turns((ADA, YES), (BEN, YES)), APPROVED, (ADA, BEN), rule="all"),
    "all: one rejects": row(turns((ADA, YES), (BEN, NO)), REJECTED, ALL_THREE, rule="all"),
    "two of three": row(turns((ADA, YES), (BEN, NO), (CLEO, YES)), APPROVED, ALL_THREE, rule="2"),
    "two of three: not yet": row(turns((ADA, YES), (BEN, NO)), OPEN, ALL_THREE, rule="2"),
    "two of three: impossible": row(turns((ADA, NO), (BEN, NO)), REJECTED, ALL_THREE, rule="2"),
    "in order": row(turns((BEN, YES), (ADA, YES)), APPROVED, (BEN, ADA), rule="order"),
    "in order: the first rejects": row(turns((BEN, NO)), REJECTED, (BEN, ADA), rule="order"),
    "a named choice": Row(
        turns((ADA, "Tonight\n\nThe team is there.")),
        ("decided", "tonight"),
        options={"choice": CHOICES},
    ),
    "expires": row(lets_time_pass, ("expired", ""), (ADA,), deadline=SOON),
    "is rejected": row(lets_time_pass, REJECTED, (ADA,), deadline=SOON, at_deadline="reject"),
    "is reminded": row(is_reminded, APPROVED, (ADA,), remind_after="5s"),
}


def test_the_rule_and_the_deadline_decide(office: Office) -> None:
    asked = run(office, ROWS)
    require_as_told(office, ROWS, asked)
    # Of those who answer in order, the second is asked once the first has approved.
    assert office.about(ADA, asked["in order: the first rejects"]) == []
    assert len(office.about(ADA, asked["in order"])) == 1
