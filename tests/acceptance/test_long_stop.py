"""Postrail is stopped for two weeks while people use the mailbox: each message has one effect."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.processes.pipeline import Inbox, Pipeline, letter
from tests.servers.dovecot import Dovecot

pytestmark = [pytest.mark.debian, pytest.mark.timeout(150)]

USER = "support"
ELSEWHERE = "Processed"
STOPPED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE, MEANWHILE = 16, 16


@pytest.fixture
def pipeline(own_folder: Path, environment: dict[str, str], dovecot: Dovecot) -> Iterator[Pipeline]:
    with Pipeline(own_folder, environment, dovecot) as pipeline:
        pipeline.configure([Inbox(name=USER)])
        yield pipeline


def numbered(number: int, *, machines: bool) -> bytes:
    """Makes a message; each fourth one may be from a machine that sets no Message-ID."""
    message_id = None if machines and number % 4 == 0 else f"<{number}@customer.test>"
    return letter(f"Request {number}", message_id=message_id, text=f"Number {number}\r\n")


def receive(dovecot: Dovecot, numbers: range, *, machines: bool) -> None:
    """Delivers messages at equal intervals over fourteen days."""
    step = timedelta(days=14) / len(numbers)
    for place, number in enumerate(numbers):
        dovecot.append(USER, numbered(number, machines=machines), when=STOPPED_AT + place * step)


def read_by_a_person(dovecot: Dovecot) -> None:
    """Reads half of the messages, moves half of those away, and half of these back again."""
    with dovecot.connection(USER) as client:
        client.select("INBOX")
        uids = client.uid("SEARCH", "ALL")[1][0].split()
        client.uid("STORE", b",".join(uids[::2]).decode(), "+FLAGS", "\\Seen")
        client.uid("MOVE", b",".join(uids[::4]).decode(), ELSEWHERE)
        client.select(ELSEWHERE)
        moved = client.uid("SEARCH", "ALL")[1][0].split()
        client.uid("MOVE", b",".join(moved[::2]).decode(), "INBOX")


def move_back(dovecot: Dovecot) -> None:
    """Moves the remaining messages back."""
    with dovecot.connection(USER) as client:
        client.select(ELSEWHERE)
        client.uid("MOVE", "1:*", "INBOX")


def numbers_in(messages: list[bytes]) -> set[int]:
    """Returns the numbers in the messages' subjects."""
    found = [re.search(rb"Subject: Request (\d+)", message) for message in messages]
    return {int(match[1]) for match in found if match}


def effects(pipeline: Pipeline) -> Counter[int]:
    """Counts the issues and comments that each message has made."""
    rows = pipeline.rows(
        "SELECT summary, 1 + (SELECT count(*) FROM comment c WHERE c.issue_key = i.issue_key)"
        " FROM issue i"
    )
    found: Counter[int] = Counter()
    for summary, count in rows:
        found[int(summary.rpartition(" ")[2])] += count
    return found


@pytest.mark.parametrize("renumbered", [False, True], ids=["same UIDs", "another UIDVALIDITY"])
def test_after_two_weeks_each_message_has_one_effect(pipeline: Pipeline, renumbered: bool) -> None:
    # Within a UIDVALIDITY, a message without Message-ID that is moved back counts as a new one: a
    # machine may send the same alarm each night (design, 2.6).
    receive(pipeline.dovecot, range(BEFORE), machines=renumbered)
    pipeline.start()
    pipeline.wait_until_settled(mails=BEFORE)
    for service in ("fetcher", "parser", "handler", "sender"):
        pipeline.replica(service).stop()
    assert effects(pipeline) == dict.fromkeys(range(BEFORE), 1)

    everything = range(BEFORE + MEANWHILE)
    receive(pipeline.dovecot, everything[BEFORE:], machines=renumbered)
    read_by_a_person(pipeline.dovecot)
    if renumbered:
        pipeline.dovecot.set_uidvalidity(USER, 4711)
    there = numbers_in(pipeline.dovecot.messages(USER))
    away = set(everything) - there
    assert away & set(range(BEFORE))
    assert away - set(range(BEFORE))

    for service in ("fetcher", "parser", "handler", "sender"):
        pipeline.replica(service).start()
    # A message moved away before it was fetched is fetched only when it comes back.
    expected = dict.fromkeys(there | set(range(BEFORE)), 1)
    pipeline.wait_until(lambda: effects(pipeline) == expected, 60, f"the effects {expected}")
    move_back(pipeline.dovecot)
    expected = dict.fromkeys(everything, 1)
    pipeline.wait_until(lambda: effects(pipeline) == expected, 60, f"the effects {expected}")
    pipeline.wait_until(lambda: not pipeline.unfinished(), 60, "nothing waits")
    assert effects(pipeline) == expected
    assert pipeline.unaccounted() == 0
    assert len(pipeline.sent()) == len(everything)
