"""Lets the real handler handle the same messages again and again, and measures its CPU time."""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bench.handling.rules import contexts, handlers
from bench.usage import usage_of
from postrail.configuration.load import load_snapshot
from postrail.configuration.models.limit import MOST_VALUE, Limit, LimitName
from postrail.database import open_pool, transaction
from postrail.decision.decide import decide
from postrail.decision.facts import Facts
from postrail.observe.log import configure_log
from postrail.records import MailParsed
from postrail.settings import Settings
from tests.integration.handler.bench import Bench
from tests.makers.parsing import made
from tests.makers.settings import environment_of, settings_of

# Between rounds, so that no sender writes much in a short time.
ROUND_SECONDS = 86_400.0
WARM_UP_MAILS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A configuration: its numbers of rules and of contexts, and whether limits are on."""

    rules: int = 1
    limited: bool = False
    contexts: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """The least CPU milliseconds a message with one configuration."""

    way: Way
    handler_ms: float
    # Of the handler's: all rules asked of a message without facts.
    deciding_ms: float
    postgres_ms: float
    # To read the configuration once, which a handler does when it changes, and every 5 s.
    reading_ms: float


async def measured(
    url: str,
    folder: Path,
    postgres: int,
    raws: Sequence[bytes],
    ways: Sequence[Way],
    rounds: int,
) -> list[Cost]:
    """Measures each configuration in each round.

    `postgres` is the server's process id.
    """
    settings = _settings(url, folder)
    configure_log(settings, "handler")
    parsed = [made(raw, mail_id=str(uuid.uuid4())).record for raw in raws]
    pool = await open_pool(settings.database)
    bench = Bench(settings, pool)
    await bench.offsets.stored([0])
    bench.offsets.expect({0: None})
    try:
        costs: dict[Way, list[Cost]] = {way: [] for way in ways}
        for number in range(rounds):
            for place, way in enumerate(ways):
                await _configure(bench, way)
                run, now = f"{number}-{place}", bench.clock.now()
                await bench.handle(*_again(parsed[:WARM_UP_MAILS], f"warm up {run}", now))
                mails = _again(parsed, run, now)
                costs[way].append(await _cost(bench, postgres, mails, way))
                bench.clock.move(ROUND_SECONDS)
        return [_least(found) for found in costs.values()]
    finally:
        await bench.close()
        await pool.close()


def _settings(url: str, folder: Path) -> Settings:
    # The producer is in memory: nothing connects to a broker.
    return settings_of(environment_of(folder, bootstrap_servers="127.0.0.1:9", database_url=url))


async def _configure(bench: Bench, way: Way) -> None:
    async with transaction(bench.pool) as connection:
        await connection.execute("DELETE FROM mail_handler")
        await connection.execute("DELETE FROM message_context")
    # Limits that count everything and brake nothing, so that the same messages take effect.
    limits = (Limit(name=name, value=MOST_VALUE if way.limited else 0) for name in LimitName)
    await bench.save(*handlers(way.rules), *contexts(way.contexts), *limits)


def _again(mails: Iterable[MailParsed], run: str, now: datetime) -> list[MailParsed]:
    """Returns the messages as if somebody had sent them anew: with ids of this run."""

    def renamed(message_id: str) -> str:
        return f"<{re.sub(r'[^a-z0-9]+', '-', run.lower())}.{message_id.strip('<>')}>"

    return [
        replace(
            mail,
            mail_id=str(uuid.uuid4()),
            received_at=now,
            fetched_at=now,
            message_id=renamed(mail.message_id or ""),
            in_reply_to=[renamed(one) for one in mail.in_reply_to],
            references=[renamed(one) for one in mail.references],
            fingerprint=hashlib.sha256(f"{run} {mail.fingerprint}".encode()).hexdigest(),
        )
        for mail in mails
    ]


async def _cost(bench: Bench, postgres: int, mails: Sequence[MailParsed], way: Way) -> Cost:
    before = usage_of({"postgres": [postgres]})["postgres"].cpu_seconds
    begin = time.process_time()
    await bench.handle(*mails)
    handled = time.process_time() - begin
    after = usage_of({"postgres": [postgres]})["postgres"].cpu_seconds
    async with transaction(bench.pool) as connection:
        begin = time.process_time()
        snapshot = await load_snapshot(connection)
        reading = time.process_time() - begin
    for mail in mails[:WARM_UP_MAILS]:
        decide(mail, snapshot, Facts())
    begin = time.process_time()
    for mail in mails:
        decide(mail, snapshot, Facts())
    decided = time.process_time() - begin
    return Cost(
        way=way,
        handler_ms=1000 * handled / len(mails),
        deciding_ms=1000 * decided / len(mails),
        postgres_ms=1000 * (after - before) / len(mails),
        reading_ms=1000 * reading,
    )


def _least(found: Sequence[Cost]) -> Cost:
    """Returns the least of each figure."""
    return Cost(
        way=found[0].way,
        handler_ms=min(one.handler_ms for one in found),
        deciding_ms=min(one.deciding_ms for one in found),
        postgres_ms=min(one.postgres_ms for one in found),
        reading_ms=min(one.reading_ms for one in found),
    )
