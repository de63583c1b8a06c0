"""Stores the callback that tells the system which has asked how its request has ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from postrail.approvals.ledger import EventKind, NewEvent
from postrail.approvals.request import Assignment, AssignmentState, Request, State
from postrail.database import Connection
from postrail.webhooks import queue
from postrail.webhooks.queue import NewPost, Purpose

EVENT = "approval.decided"


async def call_back(
    connection: Connection,
    request: Request,
    parts: Sequence[Assignment],
    events: Sequence[NewEvent],
    now: datetime,
) -> None:
    """Stores the callback of a request that has ended, if the caller has given an address."""
    if not request.callback_url:
        return
    content = content_of(request, parts, events)
    await queue.add(
        connection,
        NewPost(
            purpose=Purpose.APPROVAL,
            content={"event": EVENT, **content},
            url=request.callback_url,
            setup=request.setup,
            about=request.key,
        ),
        now,
    )


def content_of(
    request: Request, parts: Sequence[Assignment], events: Sequence[NewEvent]
) -> dict[str, Any]:
    """Returns what a system that has asked is told, by a callback or when it polls.

    `events` are those of the ledger, the last of which has ended the request.
    """
    chosen = next((one for one in request.choices if one.name == request.choice), None)
    ending = events[-1] if events and request.state is not State.OPEN else None
    return {
        "request": {
            "id": request.request_id,
            "key": request.key,
            "setup": request.setup,
            "subject": request.subject,
            "state": str(request.state),
        },
        "choice": request.choice,
        "meaning": str(chosen.meaning) if chosen else "",
        "comment": ending.comment if ending else "",
        "decided_at": request.closed_at.isoformat() if request.closed_at else None,
        "answers": [_answer(one, events) for one in parts if _has_answered(one)],
    }


def _has_answered(part: Assignment) -> bool:
    return part.state is AssignmentState.ANSWERED


def _answer(part: Assignment, events: Sequence[NewEvent]) -> dict[str, Any]:
    return {
        "address": part.address,
        "answers_for": part.answers_for,
        "choice": part.choice,
        "comment": part.comment,
        "answered_at": part.answered_at.isoformat() if part.answered_at else None,
        "mail_id": part.mail_id,
        "verdict": verdict_of(part, events),
    }


def verdict_of(part: Assignment, events: Sequence[NewEvent]) -> str:
    """Returns what was known about the sender of an approver's answer, and why."""
    answers = (
        one.verdict
        for one in events
        if one.kind is EventKind.ANSWERED and one.assignment_id == part.assignment_id
    )
    return next(answers, "")
