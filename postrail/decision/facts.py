"""The facts that a decision uses beside the message and the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from postrail.decision.approvals.fact import ApprovalFact
from postrail.decision.release import Release


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueRef:
    """An issue of any tracker: our own id for it, its present key, and its project."""

    issue_id: int
    issue_key: str
    project: str
    # The projects that it was moved from, or that issues merged into it were of: their mailboxes
    # still receive answers.
    former_projects: tuple[str, ...] = ()

    def receives_for(self, project: str) -> bool:
        """Tells whether answers that arrive in a mailbox of the project may be for this issue."""
        return project == self.project or project in self.former_projects


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierMail:
    """A message with the same content that was already handled."""

    mail_id: str
    mailbox: str
    source: str
    issue: IssueRef
    # It made the issue; else it is a comment there.
    made_issue: bool = False
    # Its sender was proven.
    verified: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedIssue:
    """An issue whose key is in the subject."""

    issue: IssueRef
    # The key in the subject, when the issue has another one now.
    former_key: str = ""
    # The subject has its number only, which counts where a mail handler says so.
    number: str = ""

    @property
    def named(self) -> str:
        """Returns the key or number in the subject, and the present key if that differs."""
        key = self.issue.issue_key
        if self.number:
            return f"number {self.number}, which is {key}"
        return f"{self.former_key}, which is {key} now" if self.former_key else key


@dataclass(frozen=True, slots=True)
class MatchTried:
    """A key by which the issue of a message was looked for, in the order of the attempts."""

    # token, id (a Message-ID that it answers), key or number (in its subject).
    kind: str
    value: str
    # The present key of the issue that it names; "": it names none.
    hit: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonFact:
    """An active person, by the address that mail goes to."""

    address: str
    name: str = ""
    # A message made the person, and no operator has confirmed that.
    made_by_mail: bool = False
    # Of an addressed person: the projects of the message in which the person is an agent, lead or
    # administrator, where a mail handler asks.
    agent_of: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SentMail:
    """A delivery of ours that a bounce, a receipt or a complaint names by its Message-ID."""

    outgoing_id: str
    recipient: str
    issue: IssueRef | None = None
    # What earlier reports said about it (see `DeliveryEvent`).
    events: tuple[str, ...] = ()
    # The number of other messages that bounced softly from the recipient in the time that counts.
    soft_bounces: int = 0
    # Messages of the recipient were handled since it was sent.
    wrote_since: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsubscription:
    """What a token of a message asks for by which people leave an issue's mail."""

    # None: the token is not ours, or its person watches the issue no longer.
    issue: IssueRef | None = None
    # The addresses by which the person watches it.
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Everything that a decision may use beside the message and the configuration."""

    earlier: tuple[EarlierMail, ...] = ()
    # The issues that our tokens in its ids and addresses prove, the strongest first.
    token_issues: tuple[IssueRef, ...] = ()
    # The issues of the message's conversation, oldest first.
    conversation_issues: tuple[IssueRef, ...] = ()
    # Of several of these in one project, the one whose message this one answers.
    answered_issue: IssueRef | None = None
    # In the order of the subject, the keys before the bare numbers.
    named_issues: tuple[NamedIssue, ...] = ()
    # The issue whose internal comment the message answers: its notification, or the message that
    # became it.
    internal_issue: IssueRef | None = None
    # The active person to whom the sender's address belongs; None for an unknown sender.
    sender: PersonFact | None = None
    # The active persons in To, Cc and Bcc, in this order, without ourselves.
    addressed: tuple[PersonFact, ...] = ()
    # The ids of those of the issues that are done.
    done_issues: tuple[int, ...] = ()
    # Of those in which the sender takes part: as a participant or watcher, or by an answer to a
    # message that we sent to the sender.
    taking_part: tuple[int, ...] = ()
    # Of those, the ones of which a message that we sent to the sender is answered.
    answered_in: tuple[int, ...] = ()
    # Of those in whose projects the sender is an agent, lead or administrator.
    insider_in: tuple[int, ...] = ()
    # The projects in which the sender is an agent, lead or administrator, where a handler asks.
    agent_of: tuple[str, ...] = ()
    # The queries of conditions that match issues of the message, each with the ids of these issues.
    issue_queries: tuple[tuple[str, tuple[int, ...]], ...] = ()
    # Where the conversation has no issue yet, what the sender has to do with the message that began
    # it: known (its author, or addressed by it) or stranger. "": the message begins it itself.
    beginning: str = ""
    # The issue of somebody who had or named the message's id before, and has no claim on it.
    claimed_by: IssueRef | None = None
    # A person's order to handle the message again.
    release: Release | None = None
    # For the trace: which keys led to the facts above.
    tried: tuple[MatchTried, ...] = ()
    # Lists that were cut, so that a trace can hold the facts: "addressed: 40 of 1000".
    left_out: tuple[str, ...] = ()
    # What we sent, of a bounce, a receipt or a complaint: mostly one delivery.
    sent: tuple[SentMail, ...] = ()
    # What the message about no issue is that it answers, or that it is a bounce of, if we sent one:
    # forward, reply, notice or account.
    answers_ours: str = ""
    # The header field with our own signature, of a message that we sent; "": another one sent it.
    own_message: str = ""
    # Of a message that is to take somebody off an issue's mail.
    unsubscription: Unsubscription | None = None
    # The approval request that its tokens name.
    approval: ApprovalFact | None = None
    # How often what the limits count has happened within their times, by the names of the limits.
    counts: Mapping[str, int] = field(default_factory=dict)
    # Those of the issues that have as many messages as a limit of conversations allows, each with
    # the `Standing` of the senders of these.
    busy: tuple[tuple[int, str], ...] = ()
    # The ids of those of the issues that have as many watchers as messages may make.
    crowded: tuple[int, ...] = ()

    @property
    def issue_ids(self) -> set[int]:
        """Returns the ids of all issues that the message may belong to."""
        found = [*self.token_issues, *self.conversation_issues]
        found += (one.issue for one in self.named_issues)
        return {issue.issue_id for issue in [*found, self.internal_issue] if issue}
