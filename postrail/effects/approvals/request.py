"""Applies RequestApproval: people are asked about the issues that messages make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from postrail.decision.approvals.request import RequestApproval
from postrail.effects.approvals.begin import begin
from postrail.effects.approvals.checks import subject_of
from postrail.effects.batch import Context, Work
from postrail.records import OutgoingQueued
from postrail.tracker import issues


async def request_approvals(
    context: Context, works: Sequence[Work[RequestApproval]]
) -> list[OutgoingQueued]:
    """Makes the requests, each once for a message, and returns the messages that ask.

    Raises as `begin` does: a message whose request cannot be made fails, so that a person sees it.
    """
    summaries = await issues.summaries(
        context.connection, [work.issue.issue_id for work in works if work.issue]
    )
    mails: list[OutgoingQueued] = []
    for work in works:
        mails += await _request(context, work, summaries)
    return mails


async def _request(
    context: Context, work: Work[RequestApproval], summaries: dict[int, str]
) -> Sequence[OutgoingQueued]:
    issue, order = work.issue, work.effect.order
    if issue is None:
        raise ValueError(f"{work.due.cause} asks for an approval and has no issue")
    whole = replace(
        order,
        subject=order.subject or subject_of(summaries[issue.issue_id]) or issue.issue_key,
        issue_id=issue.issue_id,
        project=issue.project,
        idempotency_key=f"{work.due.cause} approval {work.effect.number}",
    )
    begun = await begin(
        context.connection,
        context.snapshot,
        whole,
        context.message_id_key,
        context.seal,
        context.now,
    )
    return begun.mails
