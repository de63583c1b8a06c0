"""The messages that the chaos test sends, and their expected effects; a seed repeats its plan."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

# How a message shows where it belongs: not at all (it is new), by References, by an issue's key
# in its subject, or as an answer to our notification.
Proof = Literal["new", "references", "key", "notification"]

NEW_SHARE = 0.55
# A key or our Message-ID exists only once an issue does: its message came this many waves before.
WAVES_UNTIL_KNOWN = 2


@dataclass(frozen=True, kw_only=True)
class PlannedMail:
    """One message; `place` counts from 0, and the message in place 0 makes the issue."""

    number: int
    wave: int
    mailbox: str
    conversation: int
    place: int
    author: str
    proof: Proof
    # The place of the message that it answers.
    answers: int

    @property
    def message_id(self) -> str:
        """Returns its Message-ID."""
        return message_id_of(self.conversation, self.place)

    @property
    def summary(self) -> str:
        """Returns the subject of the conversation's first message, which is its issue's summary."""
        return f"Conversation {self.conversation}"


def message_id_of(conversation: int, place: int) -> str:
    """Returns the Message-ID of a message of the plan."""
    return f"<chaos-{conversation}-{place}@customer.test>"


class Plan:
    """All messages, in waves; a conversation's messages lie in one mailbox, in their order."""

    def __init__(self, *, seed: int, mails: int, mailboxes: int, waves: int) -> None:
        self.seed = seed
        # Who watches the issue of a conversation from its beginning.
        self.watchers: Callable[[list[PlannedMail]], set[str]] = lambda _: set()
        self.waves = waves
        self.mailboxes = [f"box{number:02}" for number in range(mailboxes)]
        self._random = random.Random(seed)
        self.mails: list[PlannedMail] = []
        self._conversations: list[list[PlannedMail]] = []
        for number in range(mails):
            self._add(number, number * waves // mails)

    def _add(self, number: int, wave: int, always_new: bool = False) -> None:
        choice = self._random
        if always_new or not self._conversations or choice.random() < NEW_SHARE:
            index = len(self._conversations)
            self._conversations.append([])
            mailbox, proof = choice.choice(self.mailboxes), "new"
        else:
            index = choice.randrange(len(self._conversations))
            mailbox = self._conversations[index][0].mailbox
            proof = self._proof(index, wave)
        earlier = self._conversations[index]
        mail = PlannedMail(
            number=number,
            wave=wave,
            mailbox=mailbox,
            conversation=index,
            place=len(earlier),
            author=f"{self._author(proof)}{index}@customer.test",
            proof=proof,  # type: ignore[arg-type]
            answers=max((mail.place for mail in earlier if mail.proof != "key"), default=0),
        )
        earlier.append(mail)
        self.mails.append(mail)

    def _author(self, proof: str) -> str:
        # A key alone counts only from a participant, which the reporter is.
        if proof in ("new", "key"):
            return "reporter"
        return self._random.choice(["reporter", "reporter", "colleague"])

    def _proof(self, conversation: int, wave: int) -> str:
        if wave - self._conversations[conversation][0].wave < WAVES_UNTIL_KNOWN:
            return "references"
        return self._random.choice(["references", "references", "key", "notification"])

    def extra_wave(self, mails: int) -> int:
        """Adds a wave of new conversations at the end; returns its number."""
        wave = self.waves
        self.waves += 1
        for number in range(len(self.mails), len(self.mails) + mails):
            self._add(number, wave, always_new=True)
        return wave

    def of_wave(self, wave: int) -> dict[str, list[PlannedMail]]:
        """Returns the messages of one wave, by mailbox, in order."""
        found: dict[str, list[PlannedMail]] = defaultdict(list)
        for mail in self.mails:
            if mail.wave == wave:
                found[mail.mailbox].append(mail)
        return dict(found)

    @property
    def conversations(self) -> list[list[PlannedMail]]:
        """Returns the messages of each conversation, in order."""
        return self._conversations

    @cached_property
    def notifications(self) -> Counter[tuple[int, str]]:
        """Returns how many notifications each person gets about each conversation."""
        return Counter(
            (mails[0].conversation, person)
            for mails in self._conversations
            for person in _told(mails, self.watchers(mails))
        )


def _told(mails: list[PlannedMail], watching: set[str]) -> Iterator[str]:
    """Yields who is notified, message by message: the reporter first, later all but the author."""
    watchers = set(watching)
    for mail in mails:
        yield from ({mail.author} if mail.place == 0 else watchers - {mail.author})
        watchers.add(mail.author)
