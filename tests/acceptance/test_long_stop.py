"""Postrail stands still for two weeks while people go on in the mailbox: each mail, one effect."""

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
    """A mail; each fourth one may be from a machine that gives no Message-ID."""
    message_id = None if machines and number % 4 == 0 else f"<{number}@customer.test>"
    return letter(f"Request {number}", message_id=message_id, text=f"Number {number}\r\n")


def receive(dovecot: Dovecot, numbers: range, *, machines: bool) -> None:
    """One mail each so many hours, over fourteen days."""
    step = timedelta(days=14) / len(numbers)
    for place, number in enumerate(numbers):
        dovecot.append(USER, numbered(number, machines=machines), when=STOPPED_AT + place * step)


def read_by_a_person(dovecot: Dovecot) -> None:
    """Half of all mails are read; half of those are moved away, and half of those back again."""
    with dovecot.connection(USER) as client:
        client.select("INBOX")
        uids = client.uid("SEARCH", "ALL")[1][0].split()
        client.uid("STORE", b",".join(uids[::2]).decode(), "+FLAGS", "\\Seen")
        client.uid("MOVE", b",".join(uids[::4]).decode(), ELSEWHERE)
        client.select(ELSEWHERE)
        moved = client.uid("SEARCH", "ALL")[1][0].split()
        client.uid("MOVE", b",".join(moved[::2]).decode(), "INBOX")


def move_back(dovecot: Dovecot) -> None:
    """What the person still has goes back."""
    with dovecot.connection(USER) as client:
        client.select(ELSEWHERE)
        client.uid("MOVE", "1:*", "INBOX")


def numbers_in(messages: list[bytes]) -> set[int]:
    """The numbers of mails by their subjects."""
    found = [re.search(rb"Subject: Request (\d+)", message) for message in messages]
    return {int(match[1]) for match in found if match}


def effects(pipeline: Pipeline) -> Counter[int]:
    """How many issues and comments each mail has made."""
    rows = pipeline.rows(
        "SELECT summary, 1 + (SELECT count(*) FROM comment c WHERE c.issue_key = i.issue_key)"
        " FROM issue i"
    )
    found: Counter[int] = Counter()
    for summary, count in rows:
        found[int(summary.rpartition(" ")[2])] += count
    return found


@pytest.mark.parametrize("renumbered", [False, True], ids=["same UIDs", "another UIDVALIDITY"])
def test_after_two_weeks_each_mail_has_one_effect(pipeline: Pipeline, renumbered: bool) -> None:
    # Under the same UIDVALIDITY a mail without Message-ID that comes back is a new one: a machine
    # may send the same alarm each night (design, 2.6).
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
    # What was moved away before we saw it is the person's, until it comes back.
    expected = dict.fromkeys(there | set(range(BEFORE)), 1)
    pipeline.wait_until(lambda: effects(pipeline) == expected, 60, f"the effects {expected}")
    move_back(pipeline.dovecot)
    expected = dict.fromkeys(everything, 1)
    pipeline.wait_until(lambda: effects(pipeline) == expected, 60, f"the effects {expected}")
    pipeline.wait_until(lambda: not pipeline.unfinished(), 60, "nothing waits")
    assert effects(pipeline) == expected
    assert pipeline.unaccounted() == 0
    assert len(pipeline.sent()) == len(everything)
