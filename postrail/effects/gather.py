"""Gathers the facts about due messages before they are decided, once for a whole batch.

Calls functions of the packages that own the tables, and speaks no SQL itself.
"""

from __future__ import annotations

import itertools
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
from postrail.decision.facts import EarlierMail, Facts, IssueRef, NamedIssue
from postrail.effects.belonging import agent_of, belonging
from postrail.effects.deliveries.sent import named_deliveries, sent_mails
from postrail.effects.facts.addressed import addressed_people, person_fact, recipients_of
from postrail.effects.facts.counts import Counts, counts
from postrail.effects.facts.issue_queries import matched_queries
from postrail.effects.facts.own import own_message
from postrail.effects.facts.tokens import TokensOfMail, issues_of, proven, read_tokens
from postrail.effects.facts.tried import tried_keys
from postrail.effects.forwarding.answered import answered_letters
from postrail.effects.involvement import author_of
from postrail.incoming import conversations, copies
from postrail.incoming.message_ids import all_answered_ids, answered_ids, keys_in, numbers_in
from postrail.incoming.queue import DueMail
from postrail.outgoing.issues import answered_issues, internal_messages
from postrail.records import MailParsed
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
    earlier = await copies.earlier_mails(
        connection,
        [due.mail.fingerprint for due in mails],
        [due.mail.mail_id for due in mails],
    )
    claims = [due.claimed_by for due in mails if due.claimed_by]
    by_conversation = await conversations.issues_of(
        connection, [*(due.conversation for due in mails), *claims]
    )
    keys = {due.mail.mail_id: keys_in(due.mail.subject) for due in mails}
    numbers = {due.mail.mail_id: _by_number(due.mail, snapshot) for due in mails}
    wanted = [*keys.values(), *(one.keys() for one in numbers.values())]
    by_key = await issues.by_key(connection, itertools.chain.from_iterable(wanted))
    ids = {mail.issue_id for mail in earlier}.union(*by_conversation.values())
    ids.update(issue.issue_id for issue in by_key.values())
    by_message = await conversations.issues_by_message(
        connection, {one for due in mails for one in all_answered_ids(due.mail)}
    )
    ids.update(itertools.chain.from_iterable(by_message.values()))
    deliveries = await named_deliveries(connection, mails, snapshot)
    ids.update(one.issue_id for found in deliveries.values() for one in found if one.issue_id)
    tokens = await read_tokens(connection, mails, message_id_key)
    ids |= proven(tokens)
    indexed = await (issues.by_id if read_only else issues.lock)(connection, ids)
    # Read after the lock: until then an issue may have been moved or merged.
    present = {key: indexed[issue.issue_id] for key, issue in by_key.items()}
    persons = await people.by_address(connection, _all_addresses(mails, snapshot))
    refs = {issue_id: _ref(issue) for issue_id, issue in indexed.items()}
    repeated = _earlier(earlier, refs)
    present_refs = {ref.issue_id: ref for ref in refs.values()}
    internal = await _internal_messages(connection, mails, present_refs)
    crowded = _crowded(indexed, snapshot)
    done = await _done_issues(connection, indexed, snapshot)
    conversation = {due.mail.mail_id: _of(due.conversation, by_conversation, refs) for due in mails}
    named = {
        mail_id: _named_issues(in_subject, numbers[mail_id], present, present_refs)
        for mail_id, in_subject in keys.items()
    }
    by_token = {mail_id: issues_of(tokens[mail_id], refs) for mail_id in tokens}
    answered = {
        due.mail.mail_id: _internal_issue(due, internal, tokens[due.mail.mail_id], refs)
        for due in mails
    }
    candidates = {
        mail_id: _candidates(
            (*by_token[mail_id], *conversation[mail_id]), named[mail_id], answered[mail_id]
        )
        for mail_id in keys
    }
    sent = await sent_mails(connection, mails, deliveries, refs)
    letters = await answered_letters(connection, [due.mail for due in mails])
    parts = await belonging(connection, mails, candidates, persons, snapshot)
    matched = await matched_queries(connection, mails, candidates, snapshot, now)
    facts = {}
    for due in mails:
        mail_id = due.mail.mail_id
        found = conversation[mail_id]
        known = Facts(
            earlier=_own_first(due.mail.mailbox, repeated.get(due.mail.fingerprint, ())),
            token_issues=by_token[mail_id],
            conversation_issues=found,
            answered_issue=await _answered(connection, due, found),
            named_issues=named[mail_id],
            internal_issue=answered[mail_id],
            sender=person_fact(persons.get(author_of(due.mail, snapshot).address)),
            addressed=addressed_people(due.mail, candidates[mail_id], persons, snapshot),
            done_issues=tuple(one.issue_id for one in candidates[mail_id] if one.issue_id in done),
            taking_part=parts[mail_id].taking_part,
            answered_in=parts[mail_id].answered_in,
            insider_in=parts[mail_id].insider_in,
            agent_of=agent_of(due.mail, persons, snapshot),
            issue_queries=matched[mail_id],
            claimed_by=next(iter(_of(due.claimed_by, by_conversation, refs)), None),
            release=releases.from_json(due.release),
            sent=sent[mail_id],
            answers_ours=letters.get(mail_id, ""),
            own_message=own_message(due.mail, message_id_key),
            crowded=tuple(one.issue_id for one in candidates[mail_id] if one.issue_id in crowded),
            tried=tried_keys(due.mail, tokens[mail_id], by_message, named[mail_id], refs),
        )
        facts[mail_id] = bounded(known)
    watchers = {issue.issue_id: issue.watchers for issue in indexed.values()}
    counted = await counts(connection, mails, facts, snapshot, now)
    return Gathered(facts=facts, watchers=watchers, counts=counted)


def _of(
    conversation: str | None,
    by_conversation: Mapping[str, Sequence[int]],
    refs: Mapping[int, IssueRef],
) -> tuple[IssueRef, ...]:
    return _distinct(refs[issue_id] for issue_id in by_conversation.get(conversation or "", ()))


def _candidates(
    conversation: Sequence[IssueRef], named: Sequence[NamedIssue], internal: IssueRef | None
) -> tuple[IssueRef, ...]:
    """Returns all issues that the message may belong to."""
    found = [*conversation, *(one.issue for one in named)]
    return _distinct([*found, internal] if internal else found)


def _distinct(found: Iterable[IssueRef]) -> tuple[IssueRef, ...]:
    """Returns each issue once: two issues of a conversation may have been merged just now."""
    return tuple(dict.fromkeys(found))


def _own_first(mailbox: str, earlier: Iterable[EarlierMail]) -> tuple[EarlierMail, ...]:
    """Returns the earlier messages with those of this mailbox first, which are kept longest."""
    return tuple(sorted(earlier, key=lambda one: one.mailbox != mailbox))


def _earlier(
    found: Sequence[copies.HandledMail], refs: Mapping[int, IssueRef]
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
    connection: Connection, mails: Sequence[DueMail], found: Mapping[int, IssueRef]
) -> dict[str, IssueRef]:
    """Returns those of the answered Message-IDs that are internal, each with its issue."""
    message_ids = sorted({one for due in mails for one in all_answered_ids(due.mail)})
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


def _internal_issue(
    due: DueMail,
    internal: Mapping[str, IssueRef],
    tokens: TokensOfMail,
    refs: Mapping[int, IssueRef],
) -> IssueRef | None:
    """Returns the issue of the nearest internal message that the message answers.

    A database that was restored may not know that message: then its token says what it was.
    """
    known = (internal[one] for one in all_answered_ids(due.mail) if one in internal)
    by_token = issues_of([one for one in tokens if one[0].internal], refs)
    return next(known, next(iter(by_token), None))


def _by_number(mail: MailParsed, snapshot: ConfigurationSnapshot) -> dict[str, str]:
    """Returns the bare numbers in the subject by the keys that they may mean.

    They mean nothing unless a mail handler of the account asks for them.
    """
    account = snapshot.accounts.get(mail.mailbox)
    if account is None or not any(
        one.enabled and one.bare_numbers for one in snapshot.handlers_of(account.name)
    ):
        return {}
    return {f"{account.project}-{number}": number for number in numbers_in(mail.subject)}


def _named_issues(
    keys: Sequence[str],
    numbers: Mapping[str, str],
    found: Mapping[str, IndexedIssue],
    refs: Mapping[int, IssueRef],
) -> tuple[NamedIssue, ...]:
    """Returns the existing issues whose keys or numbers stand in a subject, in its order."""
    by_number = (
        NamedIssue(issue=refs[found[key].issue_id], number=number)
        for key, number in numbers.items()
        if key in found
    )
    by_key = (
        NamedIssue(
            issue=refs[found[key].issue_id],
            former_key=key if key != found[key].issue_key else "",
        )
        for key in keys
        if key in found
    )
    return (*by_key, *by_number)


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
    asked = any(one.enabled and one.closed_issues != "comment" for one in snapshot.handlers)
    keys = {issue.issue_key: issue.issue_id for issue in indexed.values()} if asked else {}
    return {keys[key] for key in await done_among(connection, keys)}


def _ref(issue: IndexedIssue) -> IssueRef:
    return IssueRef(
        issue_id=issue.issue_id,
        issue_key=issue.issue_key,
        project=issue.project,
        former_projects=issue.former_projects,
    )
