"""Finds the issue that a message belongs to: by its conversation, or by a key in its subject."""

from __future__ import annotations

from postrail.decision.decision import AddComment, Decision, Outcome
from postrail.decision.facts import IssueRef
from postrail.decision.new_issue import create_issue
from postrail.decision.question import Question


def existing_issue(question: Question) -> Decision | None:
    """Comments on the issue that the message belongs to, by the strongest proof that there is.

    None without such an issue. A key without a second proof makes a new, linked issue.
    """
    return internal_answer(question) or known_conversation(question) or key_in_subject(question)


def internal_answer(question: Question) -> Decision | None:
    """Comments internally on the issue whose internal comment the message answers.

    The Message-ID of what was internal is a strong proof, so this holds whatever the mailbox: an
    issue of another project would show, and mail, what the answer quotes.
    """
    issue = question.facts.internal_issue
    if issue is None:
        return None
    joins = issue not in question.facts.conversation_issues
    return _comment(question, issue, "it answers an internal comment on this issue", joins=joins)


def known_conversation(question: Question) -> Decision | None:
    """Comments on the issue that the message's conversation has in the message's project.

    An issue that was moved away, or merged into one of another project, still counts as there.
    """
    issues = _issues_in(question, question.project)
    if not issues:
        return None
    answered = question.facts.answered_issue
    issue = answered if answered in issues else issues[-1]
    assert issue is not None
    return _comment(question, issue, "it belongs to the conversation of this issue", joins=False)


def key_in_subject(question: Question) -> Decision | None:
    """Comments on the issue that the subject names, if the sender belongs to it.

    The sender takes part in the issue, or is an agent, lead or administrator in its project. A key
    is a weak proof, because anyone can write one: other senders get a new, linked issue.
    """
    if not question.facts.named_issues:
        return None
    named = question.facts.named_issues[0]
    if not named.sender_belongs:
        reason = f"the subject names {named.named}, but the sender does not take part in it"
        return create_issue(question, reason, linked_to=named.issue)
    reason = f"the subject names {named.named}, and the sender takes part in it or is an agent"
    # A conversation that already has an issue in that project stays with it.
    joins = not _issues_in(question, named.issue.project)
    return _comment(question, named.issue, reason, joins=joins)


def _issues_in(question: Question, project: str) -> list[IssueRef]:
    issues = question.facts.conversation_issues
    return [issue for issue in issues if issue.receives_for(project)]


def _comment(question: Question, issue: IssueRef, reason: str, *, joins: bool) -> Decision:
    effect = AddComment(
        issue=issue,
        muted=question.muted,
        joins_conversation=joins,
        # The answer to an internal comment may quote it, whoever sends it.
        internal=question.facts.internal_issue is not None or question.mail.quotes_internal,
    )
    return Decision(outcome=Outcome.COMMENT, reason=reason, effects=(effect,), issue=issue)
