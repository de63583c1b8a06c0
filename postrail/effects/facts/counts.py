"""Gathers what messages count against the limits: earlier ones, and those before in their batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postrail.configuration.models.limit import LimitName
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.decision import CreateIssue, Decision, Effect, Outcome, Reply
from postrail.decision.facts import Facts
from postrail.effects.involvement import author_of
from postrail.incoming.limits import counting as incoming
from postrail.incoming.limits.counting import counted_sender
from postrail.incoming.queue import DueMail
from postrail.outgoing import counting as outgoing

OF_SENDERS = tuple(LimitName(name) for name in incoming.OF_SENDERS)
ANSWERS = (LimitName.ADDRESS_ANSWERS, LimitName.ADDRESS_ANSWERS_DAILY)
# The senders, queues or addresses to ask for, the times since when, and what was counted.
Asked = Mapping[LimitName, set[str]]
Since = Mapping[LimitName, datetime]
Numbers = Mapping[tuple[LimitName, str], int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """The numbers against the limits, by the limit and by what it counts for."""

    # By name and sender, queue or address.
    numbers: Counter[tuple[LimitName, str]] = field(default_factory=Counter)
    snapshot: ConfigurationSnapshot = field(default_factory=ConfigurationSnapshot)

    def of(self, due: DueMail, facts: Facts) -> dict[str, int]:
        """Returns the numbers that are not 0 for one message, by the names of their limits."""
        keys = _keys(due, facts, self.snapshot)
        return {name: number for name, key in keys.items() if (number := self.numbers[name, key])}

    def add(self, due: DueMail, facts: Facts, decision: Decision) -> None:
        """Counts a message that has been decided, for those after it in its batch."""
        keys = _keys(due, facts, self.snapshot)
        for name in _counted(due, decision):
            if name in keys:
                self.numbers[name, keys[name]] += 1


async def counts(
    connection: Connection,
    mails: Sequence[DueMail],
    facts: Mapping[str, Facts],
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> Counts:
    """Returns the numbers for these messages; nothing is counted for limits that are off."""
    asked: dict[LimitName, set[str]] = {name: set() for name in LimitName}
    for due in mails:
        for name, key in _keys(due, facts[due.mail.mail_id], snapshot).items():
            if snapshot.limit(name).value:
                asked[name].add(key)
    since = {name: now - timedelta(minutes=snapshot.limit(name).minutes) for name in LimitName}
    numbers: Counter[tuple[LimitName, str]] = Counter()
    numbers.update(await _of_senders(connection, asked, since, snapshot))
    numbers.update(await _of_queues(connection, asked, since, snapshot))
    numbers.update(await _of_addresses(connection, asked, since))
    return Counts(numbers=numbers, snapshot=snapshot)


async def _of_senders(
    connection: Connection, asked: Asked, since: Since, snapshot: ConfigurationSnapshot
) -> Numbers:
    senders = set().union(*(asked[name] for name in OF_SENDERS))
    times = {str(name): since[name] for name in OF_SENDERS}
    most = max(snapshot.limit(name).value for name in OF_SENDERS)
    found = await incoming.of_senders(connection, senders, times, most)
    return {(name, key): counted[name] for key, counted in found.items() for name in OF_SENDERS}


async def _of_queues(
    connection: Connection, asked: Asked, since: Since, snapshot: ConfigurationSnapshot
) -> Numbers:
    name = LimitName.CONVERSATION_MESSAGES
    most = snapshot.limit(name).value
    found = await incoming.of_queues(connection, asked[name], since[name], most)
    return {(name, queue): number for queue, number in found.items()}


async def _of_addresses(connection: Connection, asked: Asked, since: Since) -> Numbers:
    short, daily = ANSWERS
    addresses = asked[short] | asked[daily]
    found = await outgoing.answers(connection, addresses, since[short], since[daily])
    return {
        (name, address): number
        for address, pair in found.items()
        for name, number in zip(ANSWERS, pair, strict=True)
    }


def _keys(due: DueMail, facts: Facts, snapshot: ConfigurationSnapshot) -> dict[LimitName, str]:
    """Returns by what the message counts against each limit."""
    sender = counted_sender(due.mail.sender.address if due.mail.sender else "")
    keys = dict.fromkeys(OF_SENDERS, sender)
    # Automatic messages are muted: neither can they go round and round, nor are they answered.
    if due.mail.kind == "human":
        keys[LimitName.CONVERSATION_MESSAGES] = due.queue
        answered = facts.sender.address if facts.sender else author_of(due.mail, snapshot).address
        if answered:
            keys |= dict.fromkeys(ANSWERS, answered.lower())
    return keys


def _counted(due: DueMail, decision: Decision) -> list[LimitName]:
    """Returns the limits against which the decided message counts."""
    if decision.outcome not in (Outcome.ISSUE, Outcome.COMMENT):
        return []
    made = (
        LimitName.SENDER_ISSUES if decision.outcome is Outcome.ISSUE else LimitName.SENDER_COMMENTS
    )
    counted = [LimitName.MACHINE_MESSAGES, made]
    if due.mail.kind == "human":
        counted += [
            LimitName.SENDER_MESSAGES,
            LimitName.PROVEN_MESSAGES,
            LimitName.CONVERSATION_MESSAGES,
        ]
    # A muted issue is without confirmation, too: its message has no such key.
    if any(_answers(one) for one in decision.effects):
        counted += ANSWERS
    return counted


def _answers(effect: Effect) -> bool:
    return isinstance(effect, Reply) or (isinstance(effect, CreateIssue) and effect.confirmed)
