"""The record of a request that has ended."""

from __future__ import annotations

from datetime import timedelta

from postrail.approvals.decided import COMMENTS_MAX_BYTES, decided_record
from postrail.approvals.ledger import Channel, EventKind, hash_of
from postrail.approvals.request import Assignment, AssignmentState, State
from postrail.records import ApprovalAnswer, ApprovalDecided
from postrail.stream import avro
from tests.makers.approvals.requests import ANA, BEN, CHO, assignment, event, request
from tests.makers.records import NOON

LATER = NOON + timedelta(hours=1)


def answered(assignment_id: int, address: str, **changes: object) -> Assignment:
    given = {"choice": "approve", "answered_at": NOON, "mail_id": f"mail-{assignment_id}"}
    return assignment(
        assignment_id, address, state=AssignmentState.ANSWERED, **{**given, **changes}
    )


def test_a_decision_has_its_answers_in_their_order_and_the_event_whole() -> None:
    end = event(
        EventKind.DECIDED,
        3,
        choice="reject",
        happened_at=LATER,
        comment="Not yet",
        previous_hash="aa",
    )
    made = decided_record(
        request(state=State.DECIDED, choice="reject", issue_id=7),
        [
            answered(1, ANA, choice="reject", comment="Not yet", answered_at=LATER),
            answered(2, BEN),
            assignment(3, CHO),
        ],
        [
            event(EventKind.ANSWERED, 1, assignment_id=2, verdict="dkim=pass"),
            event(EventKind.ANSWERED, 2, assignment_id=1, verdict="dmarc=pass"),
            end,
            event(EventKind.FOLLOWED, 4, channel=Channel.TIMER),
        ],
        "HELP-1",
    )
    assert (made.number, made.state, made.choice, made.meaning) == (
        12,
        "decided",
        "reject",
        "reject",
    )
    assert (made.issue_id, made.issue_key, made.decided_at) == (7, "HELP-1", LATER)
    assert made.answers == [
        ApprovalAnswer(
            address=BEN,
            choice="approve",
            comment="",
            answered_at=NOON,
            mail_id="mail-2",
            verdict="dkim=pass",
        ),
        ApprovalAnswer(
            address=ANA,
            choice="reject",
            comment="Not yet",
            answered_at=LATER,
            mail_id="mail-1",
            verdict="dmarc=pass",
        ),
    ]
    assert (made.event.event_id, made.event.kind, made.event.channel) == (3, "decided", "mail")
    assert avro.decode_as(ApprovalDecided, avro.encode(made)) == made


def test_the_record_proves_the_event() -> None:
    end = event(EventKind.EXPIRED, 9, channel=Channel.TIMER)
    made = decided_record(request(state=State.EXPIRED), [], [end], None)
    read = avro.decode_as(ApprovalDecided, avro.encode(made)).event
    columns = {name: getattr(read, name) for name in type(read).__dataclass_fields__}
    own = {name: getattr(end, name) for name in type(end).__dataclass_fields__}
    assert hash_of(columns) == hash_of(own)
    assert (made.choice, made.meaning, made.answers) == ("", "", [])


def test_the_comments_of_very_many_answers_fit_into_a_record() -> None:
    comment = "größer " * 3000
    end = event(EventKind.DECIDED, choice="approve")
    made = decided_record(
        request(state=State.DECIDED, choice="approve"),
        [answered(number, ANA, comment=comment) for number in range(1, 101)],
        [end],
        None,
    )
    sizes = [len(each.comment.encode()) for each in made.answers]
    assert sum(sizes) <= COMMENTS_MAX_BYTES
    assert min(sizes) > COMMENTS_MAX_BYTES // 100 - 4
    assert all(comment.startswith(each.comment) for each in made.answers)
