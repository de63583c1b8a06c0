"""Cases of decisions: the message and the facts, and the outcome and the effect that they give."""

from __future__ import annotations

from dataclasses import replace

from postrail.decision.decision import AddComment, Brings, CreateIssue, Effect, NoteAddress, Outcome
from postrail.decision.facts import EarlierMail, Facts, IssueRef, NamedIssue
from postrail.records import MailParsed
from tests.makers.configuration import snapshot
from tests.makers.records import mail_parsed

SNAPSHOT = snapshot()
HELP_1 = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")
HELP_2 = IssueRef(issue_id=2, issue_key="HELP-2", project="HELP")
HELP_3 = IssueRef(issue_id=3, issue_key="HELP-3", project="HELP")
SALE_1 = IssueRef(issue_id=4, issue_key="SALE-1", project="SALE")
# It was HELP-4 before.
MOVED_AWAY = IssueRef(issue_id=6, issue_key="SALE-4", project="SALE", former_projects=("HELP",))
# Issues of both projects were merged into it.
MOVED_HERE = IssueRef(issue_id=7, issue_key="HELP-7", project="HELP", former_projects=("SALE",))
NOTHING = Facts()


def known(*issues: IssueRef, answered: IssueRef | None = None) -> Facts:
    part = tuple(issue.issue_id for issue in issues)
    return Facts(conversation_issues=issues, answered_issue=answered, taking_part=part)


def named(issue: IssueRef, *conversation: IssueRef, belongs: bool) -> Facts:
    part = tuple(one.issue_id for one in conversation) + ((issue.issue_id,) if belongs else ())
    found = NamedIssue(issue=issue)
    return Facts(conversation_issues=conversation, named_issues=(found,), taking_part=part)


def earlier(
    mailbox: str, source: str = "INBOX;uidvalidity=1;uid=1", issue: IssueRef = HELP_3
) -> Facts:
    mail = EarlierMail(mail_id="m0", mailbox=mailbox, source=source, issue=issue)
    return Facts(earlier=(mail,))


def create(
    *,
    muted: bool = False,
    linked_to: IssueRef | None = None,
    quotes_internal: bool = False,
    brings: Brings = Brings.ALL,
) -> CreateIssue:
    # The senders of the cases are not verified.
    return CreateIssue(
        project="HELP",
        muted=muted,
        linked_to=linked_to,
        quotes_internal=quotes_internal,
        neutral=True,
        brings=brings,
    )


def comment(issue: IssueRef, *, muted: bool = False, joins: bool = False) -> AddComment:
    # The senders of the cases take part, as far as From says.
    return AddComment(issue=issue, muted=muted, joins_conversation=joins, brings=Brings.AUTHOR)


SAME_LISTING = "INBOX;uidvalidity=1;uid=9"
NEW_LISTING = "INBOX;uidvalidity=2;uid=1"
NEW_GENERATION = "INBOX;uidvalidity=1;generation=1;uid=9"

CASES: list[tuple[MailParsed, Facts, Outcome, Effect | None]] = [
    # nothing is known: a new issue, and its reporter is notified
    (mail_parsed(), NOTHING, Outcome.ISSUE, create()),
    # automatic mail makes an issue too, which notifies nobody
    (mail_parsed(kind="auto_generated"), NOTHING, Outcome.ISSUE, create(muted=True)),
    # an answer by In-Reply-To or References
    (mail_parsed(), known(HELP_1), Outcome.COMMENT, comment(HELP_1)),
    # an answer to an internal comment may quote it
    (
        mail_parsed(),
        replace(known(HELP_1), internal_issue=HELP_1),
        Outcome.COMMENT,
        replace(comment(HELP_1), internal=True),
    ),
    # and goes to that issue, whatever the mailbox and the newest issue of the conversation
    (
        mail_parsed(),
        replace(known(SALE_1, HELP_1), internal_issue=SALE_1),
        Outcome.COMMENT,
        replace(comment(SALE_1), internal=True),
    ),
    # whose conversation it joins, when only the middle of its References shows the issue
    (
        mail_parsed(subject="Re: HELP-3"),
        replace(
            known(HELP_3, SALE_1),
            conversation_issues=(),
            named_issues=(NamedIssue(issue=HELP_3),),
            internal_issue=SALE_1,
        ),
        Outcome.COMMENT,
        replace(comment(SALE_1, joins=True), internal=True),
    ),
    # what quotes an internal comment of an unknown conversation makes an issue without it
    (
        mail_parsed(quotes_internal=True),
        known(SALE_1),
        Outcome.ISSUE,
        create(quotes_internal=True, brings=Brings.AUTHOR),
    ),
    (
        mail_parsed(subject="Re: HELP-3", quotes_internal=True),
        named(HELP_3, belongs=False),
        Outcome.ISSUE,
        create(linked_to=HELP_3, quotes_internal=True),
    ),
    # one whose Message-ID a server has changed quotes it
    (
        mail_parsed(quotes_internal=True),
        known(HELP_1),
        Outcome.COMMENT,
        replace(comment(HELP_1), internal=True),
    ),
    # an out-of-office answer is a comment that notifies nobody
    (
        mail_parsed(kind="auto_reply"),
        known(HELP_1),
        Outcome.COMMENT,
        replace(comment(HELP_1, muted=True), brings=Brings.NOBODY),
    ),
    # the conversation has an issue in another project only
    (mail_parsed(), known(SALE_1), Outcome.ISSUE, create(brings=Brings.AUTHOR)),
    # of several issues the newest, unless another one's mail is answered
    (mail_parsed(), known(HELP_1, HELP_2, SALE_1), Outcome.COMMENT, comment(HELP_2)),
    (
        mail_parsed(),
        known(HELP_1, HELP_2, answered=HELP_1),
        Outcome.COMMENT,
        comment(HELP_1),
    ),
    # what is answered belongs to another project
    (
        mail_parsed(),
        known(HELP_1, HELP_2, SALE_1, answered=SALE_1),
        Outcome.COMMENT,
        comment(HELP_2),
    ),
    # an issue that was moved away still receives the answers to its former mailbox
    (mail_parsed(), known(MOVED_AWAY), Outcome.COMMENT, comment(MOVED_AWAY)),
    (
        mail_parsed(),
        known(HELP_1, MOVED_AWAY, answered=HELP_1),
        Outcome.COMMENT,
        comment(HELP_1),
    ),
    (
        mail_parsed(),
        known(HELP_1, MOVED_AWAY, answered=MOVED_AWAY),
        Outcome.COMMENT,
        comment(MOVED_AWAY),
    ),
    # the former key of an issue that was moved away: its conversation joins the issue, which is in
    # no project of the conversation yet
    (
        mail_parsed(subject="Re: HELP-4"),
        named(MOVED_AWAY, belongs=True),
        Outcome.COMMENT,
        comment(MOVED_AWAY, joins=True),
    ),
    # the key of an issue that the sender takes part in: the conversation joins it
    (
        mail_parsed(subject="Re: HELP-3"),
        named(HELP_3, belongs=True),
        Outcome.COMMENT,
        comment(HELP_3, joins=True),
    ),
    # the conversation has an issue in that project, and stays with it
    (
        mail_parsed(subject="Re: SALE-1", mailbox="support"),
        named(SALE_1, IssueRef(issue_id=5, issue_key="SALE-9", project="SALE"), belongs=True),
        Outcome.COMMENT,
        comment(SALE_1),
    ),
    # a stranger names a key: a new issue that links to it
    (
        mail_parsed(subject="Re: HELP-3"),
        named(HELP_3, belongs=False),
        Outcome.ISSUE,
        create(linked_to=HELP_3),
    ),
    # the same message twice in a mailbox
    (mail_parsed(source=SAME_LISTING), earlier("support"), Outcome.DUPLICATE, None),
    # two equal alarms without a Message-ID are two issues
    (
        mail_parsed(source=SAME_LISTING, message_id=None),
        earlier("support"),
        Outcome.ISSUE,
        create(),
    ),
    # the same alarm, listed again with another UIDVALIDITY, is one
    (
        mail_parsed(source=NEW_LISTING, message_id=None),
        earlier("support"),
        Outcome.DUPLICATE,
        None,
    ),
    # the same, listed again as the server counts back
    (
        mail_parsed(source=NEW_GENERATION, message_id=None),
        earlier("support"),
        Outcome.DUPLICATE,
        None,
    ),
    # the same message in another mailbox of the project: noted
    (
        mail_parsed(),
        earlier("info"),
        Outcome.NOTED,
        NoteAddress(issue=HELP_3, address="support@example.com"),
    ),
    # the same message in a mailbox of another project: a message of its own
    (mail_parsed(), earlier("sales"), Outcome.ISSUE, create()),
    # the same message in a mailbox whose account was removed
    (mail_parsed(), earlier("gone"), Outcome.ISSUE, create()),
    # the issue of that mailbox was merged into one of this project, or moved to it
    (
        mail_parsed(),
        earlier("sales", issue=MOVED_HERE),
        Outcome.NOTED,
        NoteAddress(issue=MOVED_HERE, address="support@example.com"),
    ),
    # and the other way round
    (
        mail_parsed(),
        earlier("sales", issue=MOVED_AWAY),
        Outcome.NOTED,
        NoteAddress(issue=MOVED_AWAY, address="support@example.com"),
    ),
    # a message that could not be parsed
    (mail_parsed(error="too deep"), NOTHING, Outcome.FAILED, None),
    # its account was removed in the meantime
    (mail_parsed(mailbox="gone"), NOTHING, Outcome.FAILED, None),
]
