"""Creates an issue for a message that belongs to no existing issue."""

from __future__ import annotations

from postrail.decision.decision import Brings, CreateIssue, Decision, Outcome
from postrail.decision.facts import IssueRef
from postrail.decision.question import Participation, Question


def create_issue(question: Question, reason: str, *, linked_to: IssueRef | None = None) -> Decision:
    """Returns the decision to create an issue in the message's project."""
    project = question.project
    claim = question.facts.claimed_by
    if claim and linked_to is None:
        linked_to = claim
        reason += f"; its id was in {claim.issue_key} before, by somebody whom it does not concern"
    if project != question.account.project and not question.routed_to:
        reason += f"; {question.snapshot.projects[project].address} is the address of {project}"
    quotes_internal = question.mail.quotes_internal
    if quotes_internal:
        reason += "; the internal comment that it quotes is left out"
    participation = _participation(question)
    if participation is Participation.NONE:
        reason += "; its sender takes no part in the conversation, so it begins another one"
    effect = CreateIssue(
        project=project,
        muted=question.muted,
        linked_to=linked_to,
        quotes_internal=quotes_internal,
        neutral=not question.verified,
        brings=Brings.ALL if participation is Participation.PROVEN else Brings.AUTHOR,
        own_conversation=participation is Participation.NONE,
    )
    return Decision(outcome=Outcome.ISSUE, reason=reason, effects=(effect,))


def _participation(question: Question) -> Participation:
    """Returns the best participation of the sender in the issues of the message's conversation.

    In a conversation without issues there is nothing to prove, unless another message began it: it
    was held, and comes into this issue once a person releases it.
    """
    if question.facts.beginning == "stranger":
        return Participation.NONE
    if question.facts.beginning and not question.verified:
        return Participation.CLAIMED
    found = {question.participation(issue) for issue in question.facts.conversation_issues}
    return next((one for one in Participation if one in found), Participation.PROVEN)
