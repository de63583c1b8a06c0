"""The effects of messages on approval requests."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.decision.approvals.refused import RefusedWhy


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerRequest:
    """Takes the message as an approver's answer to a request."""

    request_id: str
    assignment_id: int
    # The name of a choice of the request.
    choice: str
    comment: str
    # What is known about the sender, and what shows it.
    verdict: str
    verdict_reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefuseAnswer:
    """Lists the message as an answer that decides nothing."""

    request_id: str
    assignment_id: int
    why: RefusedWhy
    # The reason in words.
    text: str
    # The author is told, in the approver's language.
    helps: bool = False
