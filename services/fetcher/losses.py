"""Proves which records Kafka has lost, and has their messages asked for again; never by age.

A message in state fetched is suspected when it is from before today's mail.fetched, when its place
lies past the end of the log, or when the parser has passed it. The suspicion is proven once the
handler has taken in all that mail.parsed held after that, and the message still is in this state.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from postrail.clock import Clock
from postrail.database import Pool, transaction
from postrail.errors import TransientError
from postrail.incoming import lost
from postrail.incoming.lost import Suspect
from postrail.observe import metrics
from postrail.observe.log import log
from postrail.settings import KafkaSettings
from postrail.stream.intake import stored_positions
from postrail.stream.offsets import topics_seen
from postrail.stream.offsets.incoming_logs import IncomingLogs, incoming_logs
from postrail.stream.offsets.placement import MADE_ANEW
from postrail.stream.topics import MAIL_FETCHED, MAIL_PARSED
from postrail.tasks import set_within

logger = log("fetcher")

HANDLER = "handler"


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """Messages that are lost if the handler passes these logs and they are still fetched."""

    suspects: list[Suspect]
    # The ids of those whose records the parser has passed.
    passed: list[str]
    logs: IncomingLogs


class Losses:
    """Runs beside the reading; a round that fails is repeated at the next one."""

    def __init__(
        self, pool: Pool, kafka: KafkaSettings, clock: Clock, every_seconds: float
    ) -> None:
        self._pool = pool
        self._kafka = kafka
        self._clock = clock
        self._every_seconds = every_seconds
        self._suspicion: Suspicion | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Works until the process stops."""
        while not stop.is_set():
            try:
                await self.round()
            except TransientError as error:
                logger.warning("lost records are not looked for", reason=str(error))
            await set_within(stop, self._every_seconds)

    async def round(self) -> None:
        """Suspects messages, or asks for those of an earlier round that are proven to be lost."""
        logs = await incoming_logs(self._kafka)
        made_anew_at = await self._note_topics(logs)
        if self._suspicion is None or _is_void(self._suspicion, logs):
            self._suspicion = await self._suspect(logs, made_anew_at)
        if self._suspicion and await self._handler_has_passed(self._suspicion.logs):
            await self._ask_again(self._suspicion)
            self._suspicion = None

    async def _note_topics(self, logs: IncomingLogs) -> datetime | None:
        """Returns when today's mail.fetched was first seen, if there was another one before."""
        ids = {MAIL_FETCHED.name: logs.fetched_id, MAIL_PARSED.name: logs.parsed_id}
        async with transaction(self._pool) as connection:
            fresh = [
                topic
                for topic, topic_id in ids.items()
                if topic_id and await topics_seen.note(connection, topic, topic_id)
            ]
            made_anew = await topics_seen.made_anew(connection)
        for topic in made_anew.keys() & set(fresh):
            logger.error(MADE_ANEW, topic=topic, topic_id=made_anew[topic].topic_id)
        seen = made_anew.get(MAIL_FETCHED.name)
        return seen.first_seen_at if seen else None

    async def _suspect(self, logs: IncomingLogs, made_anew_at: datetime | None) -> Suspicion | None:
        async with transaction(self._pool) as connection:
            found = await lost.suspects(
                connection,
                made_anew_at=made_anew_at,
                passed=logs.passed,
                ends=logs.fetched_ends,
            )
        if not found:
            return None
        # Looked at again, since a message may have been published after the first look.
        logs = await incoming_logs(self._kafka)
        passed = [
            each for each in found if each.raw_offset < logs.passed.get(each.raw_partition, 0)
        ]
        gone = [
            each
            for each in found
            if each.raw_offset >= logs.fetched_ends[each.raw_partition]
            or (made_anew_at and each.published_at < made_anew_at)
        ]
        # The record of a message that is gone is not at fault.
        ours = [each.mail_id for each in passed if each not in gone]
        return Suspicion(suspects=list({*passed, *gone}), passed=ours, logs=logs)

    async def _handler_has_passed(self, logs: IncomingLogs) -> bool:
        async with transaction(self._pool) as connection:
            stored = await stored_positions(connection, HANDLER, MAIL_PARSED.name)
        return all(
            end == 0
            or (
                number in stored
                and stored[number].topic_id == logs.parsed_id
                and stored[number].next_offset >= end
            )
            for number, end in logs.parsed_ends.items()
        )

    async def _ask_again(self, suspicion: Suspicion) -> None:
        async with transaction(self._pool) as connection:
            asked, failed = await lost.ask_again(
                connection, suspicion.suspects, passed=suspicion.passed, now=self._clock.now()
            )
        if asked or failed:
            metrics.count_lost(len(asked) + len(failed))
            logger.error(
                "records of messages are lost: asking for the messages again",
                asked=len(asked),
                failed=failed,
                first=asked[:10],
            )


def _is_void(suspicion: Suspicion, logs: IncomingLogs) -> bool:
    """Returns whether the handler can no longer pass the logs that the suspicion waits for."""
    return suspicion.logs.parsed_id != logs.parsed_id or any(
        logs.parsed_ends[number] < end for number, end in suspicion.logs.parsed_ends.items()
    )
