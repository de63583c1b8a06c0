"""Makes the record `ApprovalDecided` of a request that has ended. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from postrail.approvals.ledger import Event, EventKind
from postrail.approvals.request import Assignment, AssignmentState, Request
from postrail.records import ApprovalAnswer, ApprovalDecided, LedgerEntry

# What all comments together may have, so that the record fits into Kafka: 1 MiB by default.
COMMENTS_MAX_BYTES = 500_000


def decided_record(
    request: Request,
    assignments: Sequence[Assignment],
    events: Sequence[Event],
    issue_key: str | None,
) -> ApprovalDecided:
    """Returns the record of a request as it is after it has ended.

    `events` are all of the request, the last of which that is `decided`, `expired` or `withdrawn`
    is its end. The comments of very many answers are cut short.
    """
    end = next(each for each in reversed(events) if each.kind.value == request.state.value)
    meanings = {each.name: each.meaning.value for each in request.choices}
    return ApprovalDecided(
        request_id=request.request_id,
        number=request.number,
        setup=request.setup,
        subject=request.subject,
        issue_id=request.issue_id,
        issue_key=issue_key,
        requester_address=request.requester_address,
        state=request.state.value,
        choice=request.choice,
        meaning=meanings.get(request.choice, ""),
        decided_at=end.happened_at,
        answers=_answers(assignments, _verdicts(events)),
        event=LedgerEntry(**{**asdict(end), "kind": end.kind.value, "channel": end.channel.value}),
    )


def _verdicts(events: Sequence[Event]) -> dict[int | None, str]:
    """Returns the verdict about each answer's sender, by assignment."""
    return {each.assignment_id: each.verdict for each in events if each.kind is EventKind.ANSWERED}


def _answers(
    assignments: Sequence[Assignment], verdicts: Mapping[int | None, str]
) -> list[ApprovalAnswer]:
    given = [
        (each.answered_at, each)
        for each in assignments
        if each.state is AssignmentState.ANSWERED and each.answered_at is not None
    ]
    given.sort(key=lambda one: (one[0], one[1].assignment_id))
    comment_bytes = COMMENTS_MAX_BYTES // max(len(given), 1)
    return [
        ApprovalAnswer(
            address=each.address,
            choice=each.choice,
            comment=each.comment.encode()[:comment_bytes].decode(errors="ignore"),
            answered_at=answered_at,
            mail_id=each.mail_id,
            verdict=verdicts.get(each.assignment_id, ""),
        )
        for answered_at, each in given
    ]
