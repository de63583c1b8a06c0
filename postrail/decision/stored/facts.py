"""Writes the facts of a decision as JSON for its trace, and reads them back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from postrail.decision import release as releases
from postrail.decision.approvals import fact as approvals
from postrail.decision.facts import (
    EarlierMail,
    Facts,
    IssueRef,
    MatchTried,
    NamedIssue,
    PersonFact,
    SentMail,
    Unsubscription,
)


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
        "approval": facts.approval and approvals.to_json(facts.approval),
        "counts": dict(facts.counts),
        "busy": [list(one) for one in facts.busy],
        "crowded": list(facts.crowded),
    }
    return {name: value for name, value in stored.items() if value}


def from_json(stored: Mapping[str, Any]) -> Facts:
    """Returns the facts that `to_json` stored."""
    answered, internal = stored.get("answered_issue"), stored.get("internal_issue")
    sender, claim = stored.get("sender"), stored.get("claimed_by")
    leaves, approval = stored.get("unsubscription"), stored.get("approval")
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
        approval=None if approval is None else approvals.from_json(approval),
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
