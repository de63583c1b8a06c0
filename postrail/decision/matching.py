"""Finds the issue that a message belongs to: by our token, its conversation, or its subject."""

from __future__ import annotations

from postrail.decision.decision import AddComment, Brings, Decision, NoteAddress, Outcome
from postrail.decision.duplicates import may_be_forged
from postrail.decision.facts import IssueRef
from postrail.decision.new_issue import create_issue
from postrail.decision.question import Participation, Question

# What holds a message whose key is its only proof.
WEAK_KEYS = "weak_keys"


def existing_issue(question: Question) -> Decision | None:
    """Comments on the issue that the message belongs to, by the strongest proof that there is.

    None without such an issue. A key without a second proof makes a new, linked issue.
    """
    return internal_answer(question) or proven_issue(question) or key_in_subject(question)


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


def proven_issue(question: Question) -> Decision | None:
    """Comments on the issue that our token or the message's conversation proves.

    An issue of the message's project goes before others, and there a token before the conversation.
    """
    for own in (True, False):
        if issue := _by_token(question, own=own):
            joins = not _issues_in(question, issue.project)
            return _strongly(question, issue, "a token of ours names this issue", joins=joins)
        if issue := _by_conversation(question, own=own):
            reason = "it belongs to the conversation of this issue"
            return _strongly(question, issue, reason, joins=False)
    return None


def _by_token(question: Question, *, own: bool) -> IssueRef | None:
    issues = question.facts.token_issues
    return next((one for one in issues if not own or one.receives_for(question.project)), None)


def _by_conversation(question: Question, *, own: bool) -> IssueRef | None:
    """Returns the issue whose message is answered, or the newest one of the conversation.

    An issue that was moved away, or merged into one of another project, still counts as there. An
    answer belongs to its conversation in whatever mailbox it arrives; a new message to several
    mailboxes belongs to the project of each.
    """
    issues = list(question.facts.conversation_issues) if _is_answer(question) else []
    if own:
        issues = _issues_in(question, question.project)
    answered = question.facts.answered_issue
    return answered if answered in issues else issues[-1] if issues else None


def _strongly(question: Question, issue: IssueRef, reason: str, *, joins: bool) -> Decision:
    """Comments on an issue by a strong proof; an issue that the subject names besides is linked."""
    others = question.named_issues
    # A number alone contradicts nothing.
    if not others or others[0].number or issue in (one.issue for one in others):
        return _comment(question, issue, reason, joins=joins)
    reason += f", though the subject names {others[0].named}"
    return _comment(question, issue, reason, joins=joins, links=others[0].issue)


def key_in_subject(question: Question) -> Decision | None:
    """Decides about a message whose subject names an issue.

    A key is a weak proof, because anyone can write one. It makes a comment of those who take part
    in the issue; the account's settings say what it makes of others.
    """
    if not question.named_issues:
        return None
    named, key_alone = question.named_issues[0], question.key_alone
    # A conversation that already has an issue in that project stays with it.
    joins = not _issues_in(question, named.issue.project)
    if key_alone == "anybody" and not question.verified:
        reason = f"the subject names {named.named}, and anybody may do so"
        return _comment(question, named.issue, reason, joins=joins, takes_part=True)
    doubted = key_alone == "never" and not question.verified
    if question.takes_part(named.issue) and not doubted:
        reason = f"the subject names {named.named}, and the sender takes part in it or is an agent"
        return _comment(question, named.issue, reason, joins=joins)
    reason = f"the subject names {named.named}, but the sender does not take part in it"
    if doubted:
        reason = f"the subject names {named.named}, but the sender is not verified"
    if question.weak_keys == "quarantine" and not question.skips(WEAK_KEYS):
        return Decision(
            outcome=Outcome.QUARANTINED, reason=reason, issue=named.issue, held_by=WEAK_KEYS
        )
    # A person has released a quarantined one for the issue that it names.
    if question.weak_keys != "new_issue":
        return _comment(question, named.issue, reason, joins=joins, takes_part=False)
    return create_issue(question, reason, linked_to=named.issue)


def _is_answer(question: Question) -> bool:
    """Tells whether the message answers another one, by its header."""
    return bool(question.mail.in_reply_to or question.mail.references)


def _issues_in(question: Question, project: str) -> list[IssueRef]:
    issues = question.facts.conversation_issues
    return [issue for issue in issues if issue.receives_for(project)]


def _comment(
    question: Question,
    issue: IssueRef,
    reason: str,
    *,
    joins: bool,
    links: IssueRef | None = None,
    takes_part: bool | None = None,
) -> Decision:
    copies = (one for one in question.facts.earlier if not may_be_forged(question, one))
    repeated = next((one for one in copies if one.issue == issue), None)
    if repeated and repeated.mailbox != question.mail.mailbox:
        noted = NoteAddress(issue=issue, address=question.account.address)
        reason = f"same message as {repeated.mail_id} in mailbox {repeated.mailbox}"
        return Decision(outcome=Outcome.NOTED, reason=reason, effects=(noted,), issue=issue)
    outsider = not (question.takes_part(issue) if takes_part is None else takes_part)
    if outsider:
        reason += "; its sender takes no part in it, so it waits to be accepted"
    effect = AddComment(
        issue=issue,
        muted=question.muted,
        joins_conversation=joins,
        # The answer to an internal comment may quote it, whoever sends it.
        internal=question.facts.internal_issue is not None or question.mail.quotes_internal,
        outsider=outsider,
        verified=question.verified,
        links=None if question.is_auto_reply else links,
        brings=Brings.NOBODY if outsider else _brings(question, issue),
    )
    return Decision(outcome=Outcome.COMMENT, reason=reason, effects=(effect,), issue=issue)


def _brings(question: Question, issue: IssueRef) -> Brings:
    """Returns whom a comment brings into its issue."""
    if question.is_auto_reply:
        return Brings.NOBODY
    match question.participation(issue):
        case Participation.PROVEN:
            return Brings.ALL
        case Participation.CLAIMED:
            return Brings.AUTHOR
        case _:
            # Where anybody may comment by a key, it makes nobody hear what others write.
            return Brings.NOBODY
