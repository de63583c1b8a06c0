"""Decisions to effects: drafts for the tracker, and the notifications that follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.decide import Decision
from postrail.effects.comment_text import CommentText
from postrail.effects.gather import Facts
from postrail.incoming.queue import DueMail
from postrail.notifications.compose import Cause, commented, compose, issue_created, told_of_comment
from postrail.records import MailParsed, OutgoingQueued
from postrail.tracker import CommentDraft, IssueDraft
from postrail.tracker.issues import Audience, Involvement, Watcher

NO_SUBJECT = "(no subject)"
SUMMARY_CHARACTERS = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """A mail with its decision, and then with the effect that it had."""

    due: DueMail
    decision: Decision
    # None when the mail failed before anything was looked up.
    facts: Facts | None = None
    # Of a comment only.
    text: CommentText | None = None
    issue_key: str | None = None
    comment_id: int | None = None


def summary_of(mail: MailParsed) -> str:
    """The issue's summary: the subject on one line, cut, or a stand-in for none."""
    return " ".join(mail.subject.split())[:SUMMARY_CHARACTERS] or NO_SUBJECT


def issue_draft(decided: Decided, snapshot: ConfigurationSnapshot) -> IssueDraft:
    """The issue that a mail makes: its whole text, since what it quotes is known nowhere else."""
    mail, account = decided.due.mail, snapshot.accounts[decided.due.mail.mailbox]
    project = snapshot.projects[account.project]
    return IssueDraft(
        project=account.project,
        issue_type=project.default_issue_type,
        summary=summary_of(mail),
        description=mail.text,
        description_blob=mail.text_blob.sha256 if mail.text_blob else None,
        reporter_address=_address(mail),
        reporter_name=_name(mail),
        conversation=decided.due.conversation,
        mail_id=mail.mail_id,
        revision=decided.due.revision + 1,
        attachments=tuple(mail.attachments),
        linked_to=decided.decision.linked_to,
    )


def comment_draft(decided: Decided) -> CommentDraft:
    """Returns the comment that a message makes."""
    mail = decided.due.mail
    text = _text(decided)
    return CommentDraft(
        issue_key=decided.decision.issue_key or "",
        body=text.body,
        body_blob=text.body_blob,
        quoted_text=text.quoted_text,
        signature=text.signature,
        reply_blob=text.reply_blob,
        author_address=_address(mail),
        author_name=_name(mail),
        mail_id=mail.mail_id,
        revision=decided.due.revision + 1,
        attachments=tuple(mail.attachments),
    )


def involvement(decided: Decided, snapshot: ConfigurationSnapshot) -> Involvement:
    """Returns the people and the address that a message brings to its issue."""
    mail, account = decided.due.mail, snapshot.accounts[decided.due.mail.mailbox]
    author = Watcher(address=_address(mail), name=_name(mail))
    return Involvement(
        issue_key=decided.issue_key or "",
        watcher=author if _may_watch(decided, snapshot) else None,
        participants=_participants(mail, snapshot),
        arrived_at=account.address,
    )


def notifications(
    decided: Decided, audience: Audience, snapshot: ConfigurationSnapshot, key: bytes, now: datetime
) -> Iterator[OutgoingQueued]:
    """The mails that tell people what a mail did; none because of automatic mail."""
    connection = snapshot.connection_for(audience.project)
    if connection is None or not decided.decision.answers:
        return
    mail = decided.due.mail
    cause = _cause(decided, audience, snapshot)
    author = _name(mail) or _address(mail) or "Somebody"
    for person in _told(decided, audience, snapshot):
        if decided.decision.outcome == "issue":
            text = issue_created(audience, person, mail.text)
        else:
            text = commented(audience, author, _text(decided).told)
        yield compose(cause, person, text, audience, connection, key, now)


def _text(decided: Decided) -> CommentText:
    assert decided.text is not None, "a comment has its text before it has an effect"
    return decided.text


def _told(decided: Decided, audience: Audience, snapshot: ConfigurationSnapshot) -> list[Watcher]:
    """The reporter of a new issue; for a comment everybody who watches, but not its author."""
    author = _address(decided.due.mail)
    if decided.decision.outcome == "issue":
        reachable = author and author not in snapshot.own_addresses
        return [Watcher(address=author, name=_name(decided.due.mail))] if reachable else []
    return told_of_comment(audience, author, snapshot.own_addresses)


def _cause(decided: Decided, audience: Audience, snapshot: ConfigurationSnapshot) -> Cause:
    mail = decided.due.mail
    ids = (audience.first_message_id, mail.message_id)
    return Cause(
        name=f"mail {mail.mail_id} revision {decided.due.revision + 1}",
        conversation=audience.conversation,
        issue_key=audience.issue_key,
        in_reply_to=mail.message_id,
        references=tuple(dict.fromkeys(message_id for message_id in ids if message_id)),
        reply_to=snapshot.reply_address(audience.project, mail.mailbox),
        received_at=mail.received_at,
        mailbox=mail.mailbox,
    )


def _may_watch(decided: Decided, snapshot: ConfigurationSnapshot) -> bool:
    """Persons watch what they wrote; machines and our own addresses never do."""
    address = _address(decided.due.mail)
    return bool(address) and decided.decision.answers and address not in snapshot.own_addresses


def _participants(mail: MailParsed, snapshot: ConfigurationSnapshot) -> tuple[str, ...]:
    people = [person.address.lower() for person in [*mail.to, *mail.cc]]
    everybody = dict.fromkeys([_address(mail), *people])
    return tuple(who for who in everybody if who and who not in snapshot.own_addresses)


def _address(mail: MailParsed) -> str:
    return mail.sender.address.lower() if mail.sender else ""


def _name(mail: MailParsed) -> str:
    return mail.sender.name if mail.sender else ""
