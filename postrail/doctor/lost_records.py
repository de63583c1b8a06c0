"""Checks whether Kafka has lost records: topics that were made anew, and what waits for it."""

from __future__ import annotations

from postrail.database import Connection
from postrail.doctor import Finding, fine, warning
from postrail.incoming import lost
from postrail.stream.offsets import topics_seen
from postrail.stream.topics import MAIL_FETCHED

PART = "lost records"


async def check_lost_records(connection: Connection) -> list[Finding]:
    """Returns a finding when a topic was made anew, or messages wait to be published again."""
    made_anew = await topics_seen.made_anew(connection)
    since = {seen.topic: seen.first_seen_at for seen in made_anew}
    waiting = await lost.waiting(connection, since.get(MAIL_FETCHED.name))
    if not made_anew and not waiting:
        return []
    topics = ", ".join(f"{name} (seen since {at:%Y-%m-%d %H:%M} UTC)" for name, at in since.items())
    says = f"made anew: {topics}; " if topics else ""
    if not waiting:
        return [fine(PART, f"{says}no message waits for a record of an earlier topic")]
    return [
        warning(
            PART,
            f"{says}{waiting} message(s) wait to be asked for again",
            setting="",
            remedy="The fetcher asks for them by itself, once the handler has taken in what"
            " mail.parsed holds: see that fetcher, parser and handler run, and find out why Kafka"
            " lost its data",
        )
    ]
