"""The facts that a decision uses beside the message and the configuration, to and from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from postrail.decision import release as releases
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


def to_json(facts: Facts) -> dict[str, Any]:
    """Returns the facts in the form that is stored in a trace; empty facts are left out."""
    stored: dict[str, Any] = {
        "earlier": [_earlier_to_json(mail) for mail in facts.earlier],
        "token_issues": [_ref_to_json(issue) for issue in facts.token_issues],
        "conversation_issues": [_ref_to_json(issue) for issue in facts.conversation_issues],
        "answered_issue": facts.answered_issue and _ref_to_json(facts.answered_issue),
        "named_issues": [_named_to_json(named) for named in facts.named_issues],
        "internal_issue": facts.internal_issue and _ref_to_json(facts.internal_issue),
        "sender": facts.sender and _person_to_json(facts.sender),
        "addressed": [_person_to_json(person) for person in facts.addressed],
        "done_issues": list(facts.done_issues),
        "taking_part": list(facts.taking_part),
        "answered_in": list(facts.answered_in),
        "insider_in": list(facts.insider_in),
        "agent_of": list(facts.agent_of),
        "issue_queries": {query: list(ids) for query, ids in facts.issue_queries},
        "beginning": facts.beginning,
        "claimed_by": facts.claimed_by and _ref_to_json(facts.claimed_by),
        "release": facts.release and releases.to_json(facts.release),
        "tried": [[one.kind, one.value, one.hit] for one in facts.tried],
        "left_out": list(facts.left_out),
        "sent": [_sent_to_json(sent) for sent in facts.sent],
        "answers_ours": facts.answers_ours,
        "own_message": facts.own_message,
        "unsubscription": facts.unsubscription and _unsubscription_to_json(facts.unsubscription),
        "counts": dict(facts.counts),
        "busy": [list(one) for one in facts.busy],
        "crowded": list(facts.crowded),
    }
    return {name: value for name, value in stored.items() if value}


def from_json(stored: Mapping[str, Any]) -> Facts:
    """Returns the facts that `to_json` stored."""
    answered, internal = stored.get("answered_issue"), stored.get("internal_issue")
    sender, claim = stored.get("sender"), stored.get("claimed_by")
    leaves = stored.get("unsubscription")
    return Facts(
        earlier=tuple(map(_earlier_from_json, stored.get("earlier", ()))),
        token_issues=tuple(map(_ref_from_json, stored.get("token_issues", ()))),
        conversation_issues=tuple(map(_ref_from_json, stored.get("conversation_issues", ()))),
        answered_issue=_ref_from_json(answered) if answered else None,
        named_issues=tuple(map(_named_from_json, stored.get("named_issues", ()))),
        internal_issue=_ref_from_json(internal) if internal else None,
        sender=_person_from_json(sender) if sender else None,
        addressed=tuple(map(_person_from_json, stored.get("addressed", ()))),
        done_issues=tuple(stored.get("done_issues", ())),
        taking_part=tuple(stored.get("taking_part", _belonging(stored))),
        answered_in=tuple(stored.get("answered_in", ())),
        insider_in=tuple(stored.get("insider_in", ())),
        agent_of=tuple(stored.get("agent_of", ())),
        issue_queries=tuple(
            (query, tuple(ids)) for query, ids in sorted(stored.get("issue_queries", {}).items())
        ),
        beginning=stored.get("beginning", ""),
        claimed_by=_ref_from_json(claim) if claim else None,
        release=releases.from_json(stored.get("release")),
        tried=tuple(MatchTried(*one) for one in stored.get("tried", ())),
        left_out=tuple(stored.get("left_out", ())),
        sent=tuple(map(_sent_from_json, stored.get("sent", ()))),
        answers_ours=stored.get("answers_ours", ""),
        own_message=stored.get("own_message", ""),
        unsubscription=_unsubscription_from_json(leaves) if leaves else None,
        counts=dict(stored.get("counts", {})),
        busy=tuple((issue_id, standing) for issue_id, standing in stored.get("busy", ())),
        crowded=tuple(stored.get("crowded", ())),
    )


def _belonging(stored: Mapping[str, Any]) -> list[int]:
    """Returns the issues in which the sender takes part, as traces of release 0.1 have them."""
    named = stored.get("named_issues", ())
    return [one["issue"]["issue_id"] for one in named if one.get("sender_belongs")]


def _person_to_json(person: PersonFact) -> dict[str, Any]:
    by_mail = {"made_by_mail": True} if person.made_by_mail else {}
    agent_of = {"agent_of": list(person.agent_of)} if person.agent_of else {}
    return {"address": person.address, "name": person.name} | by_mail | agent_of


def _person_from_json(stored: Mapping[str, Any]) -> PersonFact:
    return PersonFact(**{**stored, "agent_of": tuple(stored.get("agent_of", ()))})


def _ref_to_json(issue: IssueRef) -> dict[str, Any]:
    stored = {"issue_id": issue.issue_id, "issue_key": issue.issue_key, "project": issue.project}
    former = {"former_projects": list(issue.former_projects)} if issue.former_projects else {}
    return stored | former


def _ref_from_json(stored: Mapping[str, Any]) -> IssueRef:
    return IssueRef(
        issue_id=stored["issue_id"],
        issue_key=stored["issue_key"],
        project=stored["project"],
        former_projects=tuple(stored.get("former_projects", ())),
    )


def _unsubscription_to_json(found: Unsubscription) -> dict[str, Any]:
    return {
        "issue": found.issue and _ref_to_json(found.issue),
        "addresses": list(found.addresses),
    }


def _unsubscription_from_json(stored: Mapping[str, Any]) -> Unsubscription:
    issue = stored["issue"]
    return Unsubscription(
        issue=_ref_from_json(issue) if issue else None, addresses=tuple(stored["addresses"])
    )


def _earlier_to_json(mail: EarlierMail) -> dict[str, Any]:
    flags = {"made_issue": mail.made_issue, "verified": mail.verified}
    return {name: True for name, given in flags.items() if given} | {
        "mail_id": mail.mail_id,
        "mailbox": mail.mailbox,
        "source": mail.source,
        "issue": _ref_to_json(mail.issue),
    }


def _earlier_from_json(stored: Mapping[str, Any]) -> EarlierMail:
    return EarlierMail(
        mail_id=stored["mail_id"],
        mailbox=stored["mailbox"],
        source=stored["source"],
        issue=_ref_from_json(stored["issue"]),
        made_issue=stored.get("made_issue", False),
        verified=stored.get("verified", False),
    )


def _named_to_json(named: NamedIssue) -> dict[str, Any]:
    stored: dict[str, Any] = {"issue": _ref_to_json(named.issue)}
    texts = {"former_key": named.former_key, "number": named.number}
    return stored | {name: text for name, text in texts.items() if text}


def _named_from_json(stored: Mapping[str, Any]) -> NamedIssue:
    return NamedIssue(
        issue=_ref_from_json(stored["issue"]),
        former_key=stored.get("former_key", ""),
        number=stored.get("number", ""),
    )


def _sent_to_json(sent: SentMail) -> dict[str, Any]:
    stored: dict[str, Any] = {"outgoing_id": sent.outgoing_id, "recipient": sent.recipient}
    more = {
        "issue": sent.issue and _ref_to_json(sent.issue),
        "events": list(sent.events),
        "soft_bounces": sent.soft_bounces,
        "wrote_since": sent.wrote_since,
    }
    return stored | {name: value for name, value in more.items() if value}


def _sent_from_json(stored: Mapping[str, Any]) -> SentMail:
    issue = stored.get("issue")
    return SentMail(
        outgoing_id=stored["outgoing_id"],
        recipient=stored["recipient"],
        issue=_ref_from_json(issue) if issue else None,
        events=tuple(stored.get("events", ())),
        soft_bounces=stored.get("soft_bounces", 0),
        wrote_since=stored.get("wrote_since", False),
    )
