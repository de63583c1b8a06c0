"""Messages count when they came: a backlog is no flood, in whatever order it is handled."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from postrail.message_parts import Address
from postrail.records import MailParsed
from tests.integration.handler.bench import Bench
from tests.integration.handler.loops.test_attacks import outcomes
from tests.makers.records import NOON, mail_parsed

LATER = NOON + timedelta(days=1)


def came(received_at: datetime | None, fetched_at: datetime = LATER) -> MailParsed:
    """Returns a message of Ada that came then."""
    return mail_parsed(
        sender=Address(name="Ada", address="ada@example.org"),
        received_at=received_at,
        fetched_at=fetched_at,
    )


@pytest.mark.parametrize("together", [True, False])
async def test_a_backlog_is_no_flood(bench: Bench, *, together: bool) -> None:
    """An old mailbox, an outage, or a restored database: the limit held 10 of 30 messages."""
    backlog = [came(NOON - timedelta(days=days)) for days in range(30, 0, -1)]
    # Then twenty at once, and one more.
    backlog += [came(NOON) for _ in range(21)]
    for mails in [backlog] if together else [[one] for one in backlog]:
        await bench.handle(*mails)
    assert await outcomes(bench) == {"issue": 50, "quarantined": 1}
    assert (await bench.outcomes())[-1][1] == "quarantined"


async def test_alarms_that_name_one_message_are_all_comments_of_a_backlog(bench: Bench) -> None:
    first = came(NOON - timedelta(days=31))
    await bench.handle(first)
    for days in range(30, 0, -1):
        answer = came(NOON - timedelta(days=days))
        await bench.handle(replace(answer, in_reply_to=[str(first.message_id)]))
    assert await outcomes(bench) == {"issue": 1, "comment": 30}


@pytest.mark.parametrize("step", [1, -1], ids=["in order", "the newest first"])
@pytest.mark.parametrize("together", [True, False])
async def test_a_flood_is_braked_in_whatever_order_it_is_handled(
    bench: Bench, step: int, *, together: bool
) -> None:
    flood = [came(NOON + timedelta(seconds=50 * number)) for number in range(30)][::step]
    for mails in [flood] if together else [[one] for one in flood]:
        await bench.handle(*mails)
    assert await outcomes(bench) == {"issue": 20, "quarantined": 10}


@pytest.mark.parametrize("together", [True, False])
async def test_a_steady_sender_is_never_braked(bench: Bench, *, together: bool) -> None:
    """Two mailboxes, one read after the other: 15 messages in two hours met the limit of 20."""
    steady = [came(NOON + timedelta(minutes=8 * number)) for number in range(60)]
    mails = [*steady[::2], *steady[1::2]]
    for batch in [mails] if together else [[one] for one in mails]:
        await bench.handle(*batch)
    assert await outcomes(bench) == {"issue": 60}


@pytest.mark.parametrize("together", [True, False])
async def test_steady_answers_are_never_braked(bench: Bench, *, together: bool) -> None:
    first = came(NOON)
    await bench.handle(first)
    named = [str(first.message_id)]
    steady = [came(NOON + timedelta(minutes=8 * number)) for number in range(1, 40)]
    mails = [replace(one, in_reply_to=named) for one in [*steady[::2], *steady[1::2]]]
    for batch in [mails] if together else [[one] for one in mails]:
        await bench.handle(*batch)
    assert await outcomes(bench) == {"issue": 1, "comment": 39}


@pytest.mark.parametrize(
    "received_at",
    [None, LATER + timedelta(days=400)],
    ids=["no time, as POP3", "a clock that is ahead"],
)
async def test_the_time_of_fetching_counts_where_the_server_has_none_before_it(
    bench: Bench, received_at: datetime | None
) -> None:
    days = timedelta(days=1)
    received = [received_at and received_at + number * days for number in range(30)]
    await bench.handle(*map(came, received))
    assert await outcomes(bench) == {"issue": 20, "quarantined": 10}
    await bench.handle(*(came(at, LATER + days) for at in received[:20]))
    assert await outcomes(bench) == {"issue": 40, "quarantined": 10}
