"""Measures the latency at low load: from a delivery to the mailbox to the committed outcome."""

from __future__ import annotations

import itertools
import re
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.installation import Installation

POLL_SECONDS = 0.01
LATE_SECONDS = 20.0


@dataclass(frozen=True)
class Latency:
    """Seconds from handing a message to the mail server to its committed outcome."""

    mails: int
    late: int
    p50: float
    p99: float
    longest: float
    # The part of it until the message was fetched, before it goes to Kafka.
    fetched_p50: float


def measure_latency(
    installation: Installation, users: Sequence[str], mails: Sequence[bytes], per_second: float
) -> Latency:
    """Delivers by LMTP at a constant rate to mailboxes in IDLE, and polls the outcomes."""
    delivered: dict[str, float] = {}
    handled: dict[str, float] = {}
    fetched: dict[str, float] = {}
    begun = time.time()
    postman = threading.Thread(
        target=_deliver, args=(installation, users, mails, per_second, delivered)
    )
    postman.start()
    deadline = time.monotonic() + len(mails) / per_second + LATE_SECONDS
    with installation.connect() as connection:
        while len(handled) < len(mails) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            found = connection.execute(
                "SELECT message_id, extract(epoch FROM fetched_at)::float FROM incoming_mail"
                " WHERE fetched_at >= to_timestamp(%s) AND outcome IS NOT NULL"
                " AND message_id <> ALL(%s)",
                [begun, list(handled)],
            ).fetchall()
            now = time.time()
            handled.update((name, now) for name, _ in found if name in delivered)
            fetched.update(found)
    postman.join()
    took = sorted(handled[name] - delivered[name] for name in handled)
    return Latency(
        mails=len(mails),
        late=len(mails) - len(took),
        p50=statistics.median(took),
        p99=took[int(len(took) * 0.99)],
        longest=took[-1],
        fetched_p50=statistics.median(fetched[name] - delivered[name] for name in handled),
    )


def _deliver(
    installation: Installation,
    users: Sequence[str],
    mails: Sequence[bytes],
    per_second: float,
    delivered: dict[str, float],
) -> None:
    begun = time.monotonic()
    for number, (user, content) in enumerate(zip(itertools.cycle(users), mails, strict=False)):
        time.sleep(max(0.0, begun + number / per_second - time.monotonic()))
        delivered[_message_id(content)] = time.time()
        installation.dovecot.deliver(user, content)


def _message_id(content: bytes) -> str:
    found = re.search(rb"^Message-ID:\s*(<[^>]+>)", content, re.MULTILINE | re.IGNORECASE)
    assert found is not None
    return found[1].decode()
