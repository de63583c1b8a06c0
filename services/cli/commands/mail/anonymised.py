"""Makes a test of an operator's rules of a handled message: other words, and the same way."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postrail.blobs import BlobStore
from postrail.configuration.load import snapshot_at
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.decide import decide
from postrail.decision.facts import Facts
from postrail.decision.stored import facts as stored_facts
from postrail.decision.way import EXPECTED, differences, way_of
from postrail.errors import ConfigurationError, PermanentError
from postrail.incoming.originals import Originals
from postrail.operate.explain import Explained, decide_again
from postrail.settings import Settings
from postrail.views.incoming import IncomingDetail, incoming_mail
from services.cli.commands.mail.kept_words import literals_of, words_of
from services.cli.fixtures import Expectation, expectation_file, expectation_text
from services.cli.installation import connected_to_read
from services.cli.options import write_text
from services.parser.anonymise.message import HEADERS, PEOPLE, SUBJECT, TEXT, Anonymiser
from services.parser.anonymise.replace import Replacer
from services.parser.record.from_bytes import record_of

CONFIGURED = "words that the handlers name"
KEY_BYTES = 32
# The facts that hold addresses and names of people, and ids of messages.
PERSONAL = ("sender", "addressed", "tried", "sent")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fixture:
    """A message with other words, and what is expected of it."""

    raw: bytes
    expectation: Expectation


def write(message: Path, made: Fixture, *, force: bool) -> None:
    """Writes the message and its expectation; raises ConfigurationError, also if it exists."""
    try:
        message.parent.mkdir(parents=True, exist_ok=True)
        if message.exists() and not force:
            raise ConfigurationError(
                f"{message} exists already", remedy="Name another folder, or give --force"
            )
        message.write_bytes(made.raw)
    except OSError as error:
        raise ConfigurationError(
            f"{message} cannot be written: {error.strerror}",
            remedy="Name a folder that you may write",
        ) from error
    write_text(expectation_file(message), expectation_text(made.expectation), force=True)


async def made_of(settings: Settings, mail_id: str) -> tuple[IncomingDetail, Fixture]:
    """Returns a message with its fixture; raises PermanentError without its trace or bytes."""
    async with connected_to_read(settings) as connection:
        found = await incoming_mail(connection, mail_id)
        again = await decide_again(connection, found)
        snapshot = await _snapshot(connection, again)
    blobs = BlobStore(settings.blobs.url)
    originals = Originals(lambda: connected_to_read(settings), settings.kafka, blobs)
    raw = await originals.read(found.mail_id)
    return found, anonymised(
        raw, again, snapshot, secrets.token_bytes(KEY_BYTES), settings.parser.inline_max_bytes
    )


async def _snapshot(connection: Connection, again: Explained) -> ConfigurationSnapshot:
    assert again.decision.trace is not None
    return await snapshot_at(connection, again.decision.trace.change_id)


def anonymised(
    raw: bytes, again: Explained, snapshot: ConfigurationSnapshot, key: bytes, inline_max_bytes: int
) -> Fixture:
    """Returns the message with as few of its words as its way through the rules allows.

    Raises PermanentError for a message that takes another way, or has other effects, with any of
    its words replaced.
    """
    trace, way = again.decision.trace, way_of(again.decision)
    assert trace is not None
    differs: list[str] = []
    for kept in _plans():
        words = Replacer(
            key,
            literals=literals_of(snapshot, trace.facts),
            words=words_of(snapshot) if CONFIGURED in kept else (),
            codes=again.mail.kind == "bounce",
        )
        made = Anonymiser(words, kept).message(raw)
        known = _facts(trace.facts, words, kept)
        found = decide(_parsed(made, again, inline_max_bytes), snapshot, known)
        differs = differences(way, way_of(found))
        if not differs:
            expectation = Expectation(
                account=again.mail.mailbox,
                expected={name: way[name] for name in EXPECTED},
                facts=known,
                received_at=again.mail.received_at,
                kept=list(kept),
            )
            return Fixture(raw=made, expectation=expectation)
    raise PermanentError(
        f"with other words the message takes another way: {differs[0]}",
        remedy="Write a message like it by hand: see postrail mail show --raw",
    )


def _plans() -> Iterator[Sequence[str]]:
    """Yields what to keep, as little as possible first."""
    yield ()
    parts = (SUBJECT, HEADERS, PEOPLE, TEXT)
    for count in range(len(parts) + 1):
        for kept in itertools.combinations(parts, count):
            yield (CONFIGURED, *kept)


def _facts(facts: Facts, words: Replacer, kept: Sequence[str]) -> Facts:
    """Returns the facts with the people and ids as the message has them."""
    stored = stored_facts.to_json(facts)
    for name in PERSONAL:
        is_kept = (HEADERS if name == "tried" else PEOPLE) in kept
        if name in stored and not is_kept:
            stored[name] = _replaced(stored[name], words)
    if "approval" in stored and PEOPLE not in kept:
        fact = stored["approval"]
        people = {name: fact[name] for name in ("addresses", "answers_for") if name in fact}
        stored["approval"] = fact | _replaced(people, words)
    return stored_facts.from_json(stored)


def _replaced(value: Any, words: Replacer) -> Any:
    match value:
        case str():
            return words.address(value)
        case list():
            return [_replaced(one, words) for one in value]
        case dict():
            # An issue is named by its key, which stays.
            return {
                name: one if name in ("issue", "events", "outgoing_id") else _replaced(one, words)
                for name, one in value.items()
            }
        case _:
            return value


def _parsed(raw: bytes, again: Explained, inline_max_bytes: int) -> Any:
    mail = again.mail
    return record_of(
        raw,
        mail_id=mail.mail_id,
        mailbox=mail.mailbox,
        source=mail.source,
        now=mail.fetched_at,
        received_at=mail.received_at,
        inline_max_bytes=inline_max_bytes,
    )
