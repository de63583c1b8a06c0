"""What requesters and approvers are told once no answer is needed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.approvals.request import Assignment, AssignmentState, ClosedBecause, State
from postrail.approvals.token import tokens_in
from postrail.effects.approvals.letters import places_of
from tests.makers.approvals.requests import BEN, assignment
from tests.makers.records import NOON
from tests.unit.notifications.approvals.letters import NAMED, closing, ending


def answer(choice: str, **changes: Any) -> Assignment:
    return assignment(state=AssignmentState.ANSWERED, choice=choice, answered_at=NOON, **changes)


DECIDED: dict[str, Any] = {"state": State.DECIDED, "closed_at": NOON}
BY_ANA = answer("reject", name="Ana Sol", comment="Too late\nin the week.")


@pytest.mark.parametrize(
    ("answers", "changes", "words"),
    [
        ([answer("approve")], {"choice": "approve"}, "Your request was approved: A-12 Deploy 4.2"),
        ([BY_ANA], {"choice": "reject"}, "Your request was rejected: A-12"),
        # Nobody has rejected it: the deadline did.
        ([], {"choice": "reject"}, "counts as rejected: nobody decided in time: A-12"),
        (
            [answer("east")],
            {"choice": "east", "choices": NAMED},
            "Your request has an answer, Roll out in the east: A-12",
        ),
        (
            [assignment(state=AssignmentState.CLOSED, closed_because=ClosedBecause.EXPIRED)],
            {"state": State.EXPIRED},
            "Your request has expired: nobody decided in time: A-12",
        ),
        (
            [answer("east"), answer("west", assignment_id=2)],
            {"state": State.EXPIRED, "choices": NAMED},
            "Your request ends without a decision: no choice has enough answers: A-12",
        ),
        ([], {"state": State.WITHDRAWN}, "Your request was withdrawn: A-12"),
    ],
)
def test_the_requester_reads_the_result_first(
    answers: list[Assignment], changes: dict[str, Any], words: str
) -> None:
    made = ending(answers=answers, **{**DECIDED, **changes})
    assert words in made.text
    assert made.subject == "[A-12] Deploy 4.2"


def test_each_answer_is_shown_with_its_time_and_comment() -> None:
    asked = assignment(2, BEN)
    text = ending(answers=[BY_ANA, asked], choice="reject", **DECIDED).text
    assert "> Ana Sol:  Reject (2026-01-01 12:00 UTC)\n" in text
    assert ">           Too late\n>           in the week.\n" in text
    assert BEN not in text


@pytest.mark.parametrize(
    ("replaced", "words"),
    [(False, "A request to you was withdrawn"), (True, "Another person decides in your place")],
)
def test_an_approver_reads_why_no_answer_is_needed(replaced: bool, words: str) -> None:
    made = closing(replaced=replaced)
    assert f"{words}: A-12 Deploy 4.2" in made.text
    assert tokens_in([], [], [made.text, made.html]) == []
    assert "mailto:" not in made.html


def test_a_delegate_shares_the_place_of_the_person_they_decide_for() -> None:
    ana = assignment()
    closed = replace(ana, state=AssignmentState.CLOSED)
    parts = [
        ana,
        assignment(2, BEN, place=1, answers_for=ana.address),
        # Counts: the delegate at this place has answered.
        replace(closed, place=2, closed_because=ClosedBecause.ANSWERED_FOR),
        replace(closed, place=3, closed_because=ClosedBecause.ESCALATED),
    ]
    assert places_of(parts) == 2
