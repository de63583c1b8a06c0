"""Gathers the facts about due messages before they are decided, once for a whole batch.

Calls functions of the packages that own the tables, and speaks no SQL itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail import people
from postrail.configuration.models.limit import LimitName
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision import release as releases
from postrail.decision.bounds import bounded
from postrail.decision.facts import EarlierMail, Facts, IssueRef
from postrail.effects.audiences.sizes import most_named
from postrail.effects.facts.addressed import addressed_people, person_fact, recipients_of
from postrail.effects.facts.answered_letters import answered_letters
from postrail.effects.facts.approvals import approval_facts
from postrail.effects.facts.beginnings import beginnings
from postrail.effects.facts.belonging import agent_of, belonging
from postrail.effects.facts.candidates import candidates_of, of_conversation
from postrail.effects.facts.clues import read_clues
from postrail.effects.facts.counts import Counts, counts
from postrail.effects.facts.issue_queries import matched_queries
from postrail.effects.facts.own_message import own_messages
from postrail.effects.facts.sent_mails import sent_mails
from postrail.effects.facts.tried_keys import tried_keys
from postrail.effects.facts.unsubscribes import unsubscriptions
from postrail.effects.involvement import author_of
from postrail.incoming import conversations
from postrail.incoming.copies import HandledMail
from postrail.incoming.message_ids import all_answered_ids, answered_ids
from postrail.incoming.queue import DueMail
from postrail.outgoing.issues import answered_issues, internal_messages
from postrail.tracker import issues
from postrail.tracker.builtin.comments import internal_among
from postrail.tracker.builtin.issues import done_among
from postrail.tracker.issues import IndexedIssue


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """The facts about due messages, and the audiences of the issues that they name."""

    # By mail_id; without the numbers against the limits.
    facts: dict[str, Facts]
    # The number of watchers by issue id: a measure of the work, without a part in decisions.
    watchers: dict[int, int]
    # How many people rules name at most for an event, by project: as above.
    named: dict[str, int]
    counts: Counts

    def facts_of(self, due: DueMail) -> Facts:
        """Returns the facts about a message, with what was decided before it in the batch."""
        facts = self.facts[due.mail.mail_id]
        return self.counts.known(due, facts)


async def gather(
    connection: Connection,
    mails: Sequence[DueMail],
    snapshot: ConfigurationSnapshot,
    message_id_key: bytes,
    now: datetime,
    *,
    read_only: bool = False,
) -> Gathered:
    """Returns the facts of each message, and locks the issues that they name.

    The locks last until the caller's transaction ends, so that the facts still hold when the
    effects are applied. `message_id_key` signs our messages and tokens. The caller holds the locks
    of `incoming.queue.lock_work`. With `read_only` it locks nothing, because no effects follow.
    """
    clues = await read_clues(connection, mails, snapshot, message_id_key)
    indexed = await (issues.by_id if read_only else issues.lock)(connection, clues.issue_ids)
    refs = {issue_id: _ref(issue) for issue_id, issue in indexed.items()}
    approvals = await approval_facts(connection, mails, message_id_key, read_only=read_only)
    internal = await _internal_messages(connection, mails, refs)
    found = {due.mail.mail_id: candidates_of(due, clues, refs, internal) for due in mails}
    candidates = {mail_id: one.issues for mail_id, one in found.items()}
    persons = await people.by_address(connection, _all_addresses(mails, snapshot))
    done = await _done_issues(connection, indexed, snapshot)
    crowded = _crowded(indexed, snapshot)
    repeated = _earlier(clues.earlier, refs)
    sent = await sent_mails(connection, mails, clues.deliveries, refs)
    letters = await answered_letters(connection, [due.mail for due in mails])
    parts = await belonging(connection, mails, candidates, persons, snapshot)
    ours = await own_messages(connection, [due.mail for due in mails], message_id_key)
    leaving = await unsubscriptions(connection, clues.unsubscribes, refs, message_id_key)
    matched = await matched_queries(connection, mails, candidates, snapshot, now)
    begun = await beginnings(connection, mails, clues, persons, snapshot)
    facts = {}
    for due in mails:
        mail_id, mail = due.mail.mail_id, due.mail
        own, all_issues = found[mail_id], candidates[mail_id]
        known = Facts(
            earlier=_own_first(mail.mailbox, repeated.get(mail.fingerprint, ())),
            token_issues=own.by_token,
            conversation_issues=own.conversation,
            answered_issue=await _answered(connection, due, own.conversation),
            named_issues=own.named,
            internal_issue=own.internal,
            sender=person_fact(persons.get(author_of(mail, snapshot).address)),
            addressed=addressed_people(mail, all_issues, persons, snapshot),
            done_issues=tuple(one.issue_id for one in all_issues if one.issue_id in done),
            taking_part=parts[mail_id].taking_part,
            answered_in=parts[mail_id].answered_in,
            insider_in=parts[mail_id].insider_in,
            agent_of=agent_of(mail, persons, snapshot),
            issue_queries=matched[mail_id],
            beginning=begun.get(mail_id, ""),
            claimed_by=next(iter(of_conversation(due.claimed_by, clues, refs)), None),
            release=releases.from_json(due.release),
            sent=sent[mail_id],
            answers_ours=letters.get(mail_id, ""),
            own_message=ours.get(mail_id, ""),
            unsubscription=leaving.get(mail_id),
            approval=approvals.get(mail_id),
            crowded=tuple(one.issue_id for one in all_issues if one.issue_id in crowded),
            tried=tried_keys(mail, clues, own.named, refs),
        )
        facts[mail_id] = bounded(known)
    watchers = {issue.issue_id: issue.watchers for issue in indexed.values()}
    counted = await counts(connection, mails, facts, snapshot, now)
    named = await most_named(connection, snapshot)
    return Gathered(facts=facts, watchers=watchers, named=named, counts=counted)


def _own_first(mailbox: str, earlier: Iterable[EarlierMail]) -> tuple[EarlierMail, ...]:
    """Returns the earlier messages with those of this mailbox first, which are kept longest."""
    return tuple(sorted(earlier, key=lambda one: one.mailbox != mailbox))


def _earlier(
    found: Sequence[HandledMail], refs: Mapping[int, IssueRef]
) -> dict[str, list[EarlierMail]]:
    """Returns the earlier messages by fingerprint, without those whose issue is gone."""
    earlier: dict[str, list[EarlierMail]] = {}
    for mail in found:
        if issue := refs.get(mail.issue_id):
            same = EarlierMail(
                mail_id=mail.mail_id,
                mailbox=mail.mailbox,
                source=mail.source,
                issue=issue,
                made_issue=mail.made_issue,
                verified=mail.verified,
            )
            earlier.setdefault(mail.fingerprint, []).append(same)
    return earlier


async def _answered(
    connection: Connection, due: DueMail, found: Sequence[IssueRef]
) -> IssueRef | None:
    """Returns the issue whose message is answered, looked up only among several of a project."""
    projects = Counter(
        project for issue in found for project in (issue.project, *issue.former_projects)
    )
    candidates = {
        issue.issue_id: issue
        for issue in found
        if any(projects[project] > 1 for project in (issue.project, *issue.former_projects))
    }
    message_ids = answered_ids(due.mail)
    if not candidates or not message_ids:
        return None
    # Messages keep the id that their issue had before it was merged.
    present = await issues.with_merged(connection, candidates)
    received = await conversations.answered_issues(connection, list(present), message_ids)
    sent = await answered_issues(connection, list(present), message_ids)
    by_message = dict([*received, *sent])
    nearest = (by_message[one] for one in message_ids if one in by_message)
    return next((candidates[present[issue_id]] for issue_id in nearest), None)


async def _internal_messages(
    connection: Connection, mails: Sequence[DueMail], refs: Mapping[int, IssueRef]
) -> dict[str, IssueRef]:
    """Returns those of the answered Message-IDs that are internal, each with its issue."""
    message_ids = sorted({one for due in mails for one in all_answered_ids(due.mail)})
    found = {issue.issue_id: issue for issue in refs.values()}
    if not found or not message_ids:
        return {}
    # Messages keep the id that their issue had before it was merged.
    present = await issues.with_merged(connection, found)
    ids = list(present)
    sent = await internal_messages(connection, ids, message_ids)
    comments = await conversations.answered_comments(connection, ids, message_ids)
    internal = await internal_among(connection, [comment_id for _, _, comment_id in comments])
    received = [(one, issue_id) for one, issue_id, comment_id in comments if comment_id in internal]
    return {one: found[present[issue_id]] for one, issue_id in [*received, *sent]}


def _all_addresses(mails: Sequence[DueMail], snapshot: ConfigurationSnapshot) -> set[str]:
    """Returns the senders and the addressed people of the messages, in lower case."""
    senders = {author_of(due.mail, snapshot).address for due in mails}
    return senders.union(*(recipients_of(due.mail) for due in mails)) - {""}


def _crowded(indexed: Mapping[int, IndexedIssue], snapshot: ConfigurationSnapshot) -> set[int]:
    """Returns the ids of the issues that have as many watchers as messages may make."""
    most = snapshot.limit(LimitName.ISSUE_WATCHERS).value
    return {one.issue_id for one in indexed.values() if most and one.watchers >= most}


async def _done_issues(
    connection: Connection, indexed: Mapping[int, IndexedIssue], snapshot: ConfigurationSnapshot
) -> set[int]:
    """Returns the ids of the done issues, looked up only if a handler treats them differently."""
    asked = any(one.closed_issues != "comment" for one in snapshot.enabled_handlers)
    keys = {issue.issue_key: issue.issue_id for issue in indexed.values()} if asked else {}
    return {keys[key] for key in await done_among(connection, keys)}


def _ref(issue: IndexedIssue) -> IssueRef:
    return IssueRef(
        issue_id=issue.issue_id,
        issue_key=issue.issue_key,
        project=issue.project,
        former_projects=issue.former_projects,
    )
