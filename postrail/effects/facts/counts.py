"""Gathers what messages count against the limits: earlier ones, and those before in their batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postrail.configuration.models.limit import LimitName
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.decision import Decision, Outcome
from postrail.decision.facts import Facts
from postrail.decision.loops.limits import LIMITED, OF_ISSUES, Standing
from postrail.decision.senders import is_proven
from postrail.decision.sending.answers import is_answer
from postrail.effects.involvement import author_of
from postrail.incoming.limits import counting as incoming
from postrail.incoming.queue import DueMail
from postrail.message_parts import counted_sender
from postrail.outgoing import counting as outgoing

OF_SENDERS = tuple(LimitName(name) for name in incoming.OF_SENDERS)
ANSWERS = (LimitName.ADDRESS_ANSWERS, LimitName.ADDRESS_ANSWERS_DAILY)
# A sender, or an address that is answered, and whether the sender is proven; an issue and the
# standing of its senders.
Whose = tuple[str, bool] | tuple[int, str]
# By the limit, by whose messages count, and by the time at which they do.
Numbers = Mapping[tuple[LimitName, Whose, datetime], incoming.Sides]


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """For whom and when a message counts, and the address to which it may be answered."""

    # As it is counted.
    address: str
    # Anybody may forge the messages of one who is not proven: they count apart.
    proven: bool
    at: datetime
    # "": it is not answered, as automatic messages are not.
    answered: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """The numbers against the limits, with those of what is decided before in the batch."""

    numbers: Numbers
    # By mail_id.
    counted: Mapping[str, Counted]
    snapshot: ConfigurationSnapshot
    now: datetime
    # By the minute: of issues, and of what is decided in the batch.
    minutes: dict[tuple[LimitName, Whose], Counter[datetime]]

    def known(self, due: DueMail, facts: Facts) -> Facts:
        """Returns the facts about a message with the numbers for it, and the busy issues."""
        at = self.counted[due.mail.mail_id].at
        busy = tuple(
            (issue_id, str(standing))
            for issue_id in sorted(facts.issue_ids)
            for standing in Standing
            if self._is_busy(issue_id, standing, at)
        )
        names = [*OF_SENDERS, *ANSWERS]
        numbers = ((str(name), self._number(name, *self._key(due, name))) for name in names)
        return replace(facts, counts={name: n for name, n in numbers if n}, busy=busy)

    def add(self, due: DueMail, decision: Decision) -> None:
        """Counts a message that has been decided, for those after it in its batch."""
        for name in _limits_of(due, decision):
            self._add(name, *self._key(due, name))
        standing = decision.trace.standing if decision.trace else ""
        if standing and decision.issue:
            at = self.counted[due.mail.mail_id].at
            self._add(OF_ISSUES[Standing(standing)], (decision.issue.issue_id, standing), at)

    def _is_busy(self, issue_id: int, standing: Standing, at: datetime) -> bool:
        name = OF_ISSUES[standing]
        most = self.snapshot.limit(name).value
        return self._number(name, (issue_id, str(standing)), at) >= most > 0

    def _add(self, name: LimitName, whose: Whose, at: datetime) -> None:
        self.minutes.setdefault((name, whose), Counter())[at] += 1

    def _number(self, name: LimitName, whose: Whose, at: datetime) -> int:
        """Returns the number on the side that has more, as `incoming.limits.counting` counts."""
        within = _within(self.snapshot, name)
        before, after = self.numbers.get((name, whose, at), (0, 0))
        for minute, number in self.minutes.get((name, whose), {}).items():
            before += number if at - within < minute <= at else 0
            after += number if at <= minute < at + within else 0
        return max(before, after)

    def _key(self, due: DueMail, name: LimitName) -> tuple[Whose, datetime]:
        counted = self.counted[due.mail.mail_id]
        if name in OF_SENDERS:
            return (counted.address, counted.proven), counted.at
        return (counted.answered, counted.proven), self.now


async def counts(
    connection: Connection,
    mails: Sequence[DueMail],
    facts: Mapping[str, Facts],
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> Counts:
    """Returns the numbers for these messages; nothing is counted where all limits are off.

    Messages count at the time when each came, automatic answers until now.
    """
    counted = {due.mail.mail_id: _counted(due, facts, snapshot) for due in mails}
    numbers: dict[tuple[LimitName, Whose, datetime], incoming.Sides] = {}
    if any(snapshot.limit(name).value for name in OF_SENDERS):
        numbers |= await _of_senders(connection, counted.values(), snapshot)
    if any(snapshot.limit(name).value for name in ANSWERS):
        answered = {one.answered for one in counted.values()} - {""}
        numbers |= await _of_addresses(connection, answered, snapshot, now)
    minutes: dict[tuple[LimitName, Whose], Counter[datetime]] = {}
    if any(snapshot.limit(name).value for name in OF_ISSUES.values()):
        minutes = await _of_issues(connection, counted, facts, snapshot)
    return Counts(numbers=numbers, counted=counted, snapshot=snapshot, now=now, minutes=minutes)


def _within(snapshot: ConfigurationSnapshot, name: LimitName) -> timedelta:
    return timedelta(minutes=snapshot.limit(name).minutes)


async def _of_senders(
    connection: Connection, counted: Iterable[Counted], snapshot: ConfigurationSnapshot
) -> Numbers:
    senders = {(one.address, one.proven, one.at) for one in counted}
    within = {str(name): _within(snapshot, name) for name in OF_SENDERS}
    # As many on either side of a time; each message counts against several limits.
    most = 2 * sum(snapshot.limit(name).value for name in OF_SENDERS)
    found = await incoming.of_senders(connection, senders, within, most)
    return {
        (name, (sender, proven), at): numbers[name]
        for (sender, proven, at), numbers in found.items()
        for name in OF_SENDERS
    }


async def _of_issues(
    connection: Connection,
    counted: Mapping[str, Counted],
    facts: Mapping[str, Facts],
    snapshot: ConfigurationSnapshot,
) -> dict[tuple[LimitName, Whose], Counter[datetime]]:
    times: dict[int, list[datetime]] = {}
    for mail_id, one in counted.items():
        for issue_id in facts[mail_id].issue_ids:
            times.setdefault(issue_id, []).append(one.at)
    spans = {issue_id: (min(own), max(own)) for issue_id, own in times.items()}
    longest = max(_within(snapshot, name) for name in OF_ISSUES.values())
    found = await incoming.of_issues(connection, spans, longest)
    return {
        (OF_ISSUES[Standing(standing)], (issue_id, standing)): Counter(minutes)
        for (issue_id, standing), minutes in found.items()
        if standing
    }


async def _of_addresses(
    connection: Connection, addresses: set[str], snapshot: ConfigurationSnapshot, now: datetime
) -> Numbers:
    short, daily = (now - _within(snapshot, name) for name in ANSWERS)
    found = await outgoing.answers(connection, addresses, short, daily)
    return {
        (name, whose, now): (number, 0)
        for whose, pair in found.items()
        for name, number in zip(ANSWERS, pair, strict=True)
    }


def _counted(due: DueMail, facts: Mapping[str, Facts], snapshot: ConfigurationSnapshot) -> Counted:
    mail, account = due.mail, snapshot.accounts.get(due.mail.mailbox)
    person = facts[mail.mail_id].sender
    answered = person.address if person else author_of(mail, snapshot).address
    return Counted(
        address=counted_sender(mail.sender.address if mail.sender else ""),
        proven=is_proven(mail, account),
        # The messages of a minute are counted at once.
        at=due.came_at.replace(second=0, microsecond=0),
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
