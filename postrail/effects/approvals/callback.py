"""Stores the callback that tells the system which has asked how its request has ended."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from postrail.approvals.request import Request
from postrail.database import Connection
from postrail.records import ApprovalDecided
from postrail.webhooks import queue
from postrail.webhooks.queue import NewPost, Purpose

EVENT = "approval.decided"


async def call_back(
    connection: Connection, request: Request, record: ApprovalDecided, now: datetime
) -> None:
    """Stores the callback of a request that has ended, if its order has given an address."""
    if not request.callback_url:
        return
    post = NewPost(
        purpose=Purpose.APPROVAL,
        content={"event": EVENT, **content_of(record)},
        url=request.callback_url,
        setup=request.setup,
        about=request.key,
    )
    await queue.add(connection, post, now)


def content_of(record: ApprovalDecided) -> dict[str, Any]:
    """Returns what the system is told of the end."""
    return {
        "request": {
            "id": record.request_id,
            "key": f"A-{record.number}",
            "setup": record.setup,
            "subject": record.subject,
            "state": record.state,
            "issue": record.issue_key,
        },
        "choice": record.choice,
        "meaning": record.meaning,
        "comment": record.event.comment,
        "decided_at": record.decided_at.isoformat(),
        "answers": [
            {**asdict(one), "answered_at": one.answered_at.isoformat()} for one in record.answers
        ],
    }
