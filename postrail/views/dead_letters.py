"""Reads dead letters: records that could not be decoded."""

from __future__ import annotations

from postrail.errors import PermanentError
from postrail.records import MailDead
from postrail.settings import KafkaSettings
from postrail.stream.reader import tail
from postrail.stream.topics import MAIL_DEAD

# The records of each partition among which one dead letter is searched.
SEARCHED = 10_000


async def dead_letters(kafka: KafkaSettings, limit: int) -> list[MailDead]:
    """Returns the latest dead letters, newest first."""
    found = await tail(kafka, MAIL_DEAD, limit)
    return sorted(found, key=lambda letter: letter.died_at, reverse=True)[:limit]


async def dead_letter(kafka: KafkaSettings, place: str) -> MailDead:
    """Returns the dead letter of a record; raises PermanentError when it is not found."""
    for letter in await tail(kafka, MAIL_DEAD, SEARCHED):
        if place_of(letter) == place:
            return letter
    raise PermanentError(f"no dead letter {place}", remedy="See: postrail dead list")


def place_of(letter: MailDead) -> str:
    """Returns the original place of the record, which identifies the dead letter."""
    return f"{letter.topic}/{letter.partition}/{letter.offset}"
