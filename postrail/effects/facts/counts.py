"""Gathers what messages count against the limits: earlier ones, and those before in their batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postrail.configuration.models.limit import LimitName
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.decision import Decision, Outcome
from postrail.decision.facts import Facts
from postrail.decision.loops.limits import LIMITED, Standing
from postrail.decision.senders import Verdict, judge
from postrail.decision.sending.answers import is_answer
from postrail.effects.involvement import author_of
from postrail.incoming.limits import counting as incoming
from postrail.incoming.queue import DueMail
from postrail.incoming.senders import counted_sender
from postrail.outgoing import counting as outgoing

OF_SENDERS = tuple(LimitName(name) for name in incoming.OF_SENDERS)
ANSWERS = (LimitName.ADDRESS_ANSWERS, LimitName.ADDRESS_ANSWERS_DAILY)
CONVERSATION = LimitName.CONVERSATION_MESSAGES
# A sender and whether it is proven, an issue and the standing of its senders, or an address.
Key = tuple[str, bool] | tuple[int, str] | str
Since = Mapping[LimitName, datetime]
Numbers = Mapping[tuple[LimitName, Key], int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """For whom a message counts: its sender, and the address to which it may be answered."""

    # As it is counted, and whether it is proven: anybody may forge the messages of one who is not.
    sender: tuple[str, bool]
    # "": it is not answered, as automatic messages are not.
    answered: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """The numbers against the limits, by the limit and by what it counts for."""

    numbers: Counter[tuple[LimitName, Key]]
    # By mail_id.
    counted: Mapping[str, Counted]
    snapshot: ConfigurationSnapshot

    def known(self, due: DueMail, facts: Facts) -> Facts:
        """Returns the facts about a message with the numbers for it, and the busy issues."""
        most = self.snapshot.limit(CONVERSATION).value
        keys = ((id_, str(standing)) for id_ in sorted(facts.issue_ids) for standing in Standing)
        busy = tuple(key for key in keys if self.numbers[CONVERSATION, key] >= most > 0)
        names = [*OF_SENDERS, *ANSWERS]
        numbers = ((str(name), self.numbers[name, self._key(due, name)]) for name in names)
        return replace(facts, counts={name: n for name, n in numbers if n}, busy=busy)

    def add(self, due: DueMail, decision: Decision) -> None:
        """Counts a message that has been decided, for those after it in its batch."""
        for name in _limits_of(due, decision):
            self.numbers[name, self._key(due, name)] += 1
        standing = decision.trace.standing if decision.trace else ""
        counts = due.mail.kind == "human" or standing == Standing.OUTSIDER
        if counts and standing and decision.issue:
            self.numbers[CONVERSATION, (decision.issue.issue_id, standing)] += 1

    def _key(self, due: DueMail, name: LimitName) -> Key:
        counted = self.counted[due.mail.mail_id]
        return counted.sender if name in OF_SENDERS else counted.answered


async def counts(
    connection: Connection,
    mails: Sequence[DueMail],
    facts: Mapping[str, Facts],
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> Counts:
    """Returns the numbers for these messages; nothing is counted where all limits are off."""
    counted = {due.mail.mail_id: _counted(due, facts, snapshot) for due in mails}
    since = {name: now - timedelta(minutes=snapshot.limit(name).minutes) for name in LimitName}
    numbers: Counter[tuple[LimitName, Key]] = Counter()
    if most := max(snapshot.limit(name).value for name in OF_SENDERS):
        senders = {one.sender for one in counted.values()}
        numbers.update(await _of_senders(connection, senders, since, most))
    if any(snapshot.limit(name).value for name in ANSWERS):
        answered = {one.answered for one in counted.values()} - {""}
        numbers.update(await _of_addresses(connection, answered, since))
    if snapshot.limit(CONVERSATION).value:
        issue_ids = set[int]().union(*(facts[due.mail.mail_id].issue_ids for due in mails))
        found = await incoming.of_issues(connection, issue_ids, since[CONVERSATION])
        numbers.update({(CONVERSATION, key): number for key, number in found.items()})
    return Counts(numbers=numbers, counted=counted, snapshot=snapshot)


async def _of_senders(
    connection: Connection, senders: set[tuple[str, bool]], since: Since, most: int
) -> Numbers:
    times = {str(name): since[name] for name in OF_SENDERS}
    found = await incoming.of_senders(connection, senders, times, most)
    return {(name, key): numbers[name] for key, numbers in found.items() for name in OF_SENDERS}


async def _of_addresses(connection: Connection, addresses: set[str], since: Since) -> Numbers:
    short, daily = ANSWERS
    found = await outgoing.answers(connection, addresses, since[short], since[daily])
    return {
        (name, address): number
        for address, pair in found.items()
        for name, number in zip(ANSWERS, pair, strict=True)
    }


def _counted(due: DueMail, facts: Mapping[str, Facts], snapshot: ConfigurationSnapshot) -> Counted:
    mail, account = due.mail, snapshot.accounts.get(due.mail.mailbox)
    person = facts[mail.mail_id].sender
    answered = person.address if person else author_of(mail, snapshot).address
    proven = account is not None and judge(mail, account).verdict is Verdict.PASS
    return Counted(
        sender=(counted_sender(mail.sender.address if mail.sender else ""), proven),
        answered=answered.lower() if mail.kind == "human" else "",
    )


def _limits_of(due: DueMail, decision: Decision) -> list[LimitName]:
    """Returns the limits against which the decided message counts."""
    counted = list(ANSWERS) if any(map(is_answer, decision.effects)) else []
    if decision.outcome not in LIMITED:
        return counted
    made = (
        LimitName.SENDER_ISSUES if decision.outcome is Outcome.ISSUE else LimitName.SENDER_COMMENTS
    )
    counted += [LimitName.MACHINE_MESSAGES, made]
    if due.mail.kind == "human":
        counted += [LimitName.SENDER_MESSAGES, LimitName.PROVEN_MESSAGES]
    return counted
