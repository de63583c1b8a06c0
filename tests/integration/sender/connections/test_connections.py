"""Tests how several connections work together: fallbacks, sizes, limits a minute, pauses."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postrail.courier import Answer, CourierUnavailable, Envelope, TimeLimit
from postrail.database import rows, transaction
from postrail.message_parts import OutgoingAttachment
from postrail.outgoing.routing import pauses, rates
from postrail.outgoing.routing.pauses import ALL, Pause
from services.sender.breaker import PROBE_MAX_SECONDS
from tests.integration.sender.bench import Behaviour, Bench, accepting, raising
from tests.processes.senders import configure, queued_mail

unavailable = raising(CourierUnavailable("connection refused"))


def refusing(reply: str, *, recipient: bool = False) -> Behaviour:
    return lambda envelope, limit: [
        Answer(recipient=one, state="failed", reply=reply, refused_recipient=recipient)
        for one in envelope.recipients
    ]


async def open_two(bench: Bench, spare: str = "spare", **changes: Any) -> None:
    """Configures the connection `relay`, and its fallback."""
    await configure(bench.pool, 25, fallback=spare, **changes)
    await configure(bench.pool, 26, name=spare, is_default=False)
    await bench.channels.refresh()


def behave(bench: Bench, **behaviours: Behaviour) -> None:
    for courier in bench.couriers:
        courier.behaviour = behaviours.get(courier.connection.name, accepting)


def sent_by(bench: Bench) -> Counter[str]:
    """Returns how many messages each connection was given."""
    return Counter(courier.connection.name for courier in bench.couriers for _ in courier.envelopes)


async def stored(bench: Bench) -> list[tuple[str, str, str]]:
    """Returns connection, fallback and state of each delivery."""
    async with transaction(bench.pool) as connection:
        found = await rows(
            connection, "SELECT connection, sent_over, state FROM delivery ORDER BY sequence"
        )
    return [(row[0], row[1], row[2]) for row in found]


# Whichever of them is the first by its name.
@pytest.mark.parametrize("spare", ["spare", "another"])
async def test_the_fallback_takes_over_while_a_server_is_unavailable(
    bench: Bench, spare: str
) -> None:
    await open_two(bench, spare)
    behave(bench, relay=unavailable)
    await bench.take_in(*(queued_mail() for _ in range(8)))

    await bench.rounds(6)

    # Also those that met the fault do not wait.
    assert await stored(bench) == [("relay", spare, "sent")] * 8
    tried = sent_by(bench)["relay"]
    assert tried == bench.process.settings.sender.connections

    # One message in a while finds out whether the server is back, and takes the other way, too.
    for _ in range(4):
        bench.clock.move(60)
        await bench.take_in(queued_mail(), queued_mail())
        await bench.rounds(3)
    assert {state for _, _, state in await stored(bench)} == {"sent"}
    assert sent_by(bench)["relay"] == tried + 4

    # The server is back: the next probe closes the breaker, and all go its own way again.
    behave(bench)
    before = sent_by(bench)
    await bench.take_in(*(queued_mail() for _ in range(8)))
    for _ in range(4):
        bench.clock.move(60)
        await bench.rounds(2)
    assert (sent_by(bench) - before)["relay"] >= 1
    await bench.take_in(queued_mail())
    await bench.rounds(2)
    assert (await stored(bench))[-1] == ("relay", "", "sent")


async def test_a_fallback_that_was_unavailable_is_tried_again(bench: Bench) -> None:
    await open_two(bench, "spare")
    behave(bench, relay=unavailable, spare=unavailable)
    await bench.take_in(queued_mail())
    await bench.rounds(4)
    assert [state for _, _, state in await stored(bench)] == ["deferred"]

    behave(bench, relay=unavailable)
    for _ in range(10):
        bench.clock.move(60)
        await bench.rounds(3)
    assert await stored(bench) == [("relay", "spare", "sent")]


async def test_a_fallback_of_the_fallback(bench: Bench) -> None:
    await configure(bench.pool, 25, fallback="spare")
    await configure(bench.pool, 26, name="spare", is_default=False, fallback="last")
    await configure(bench.pool, 27, name="last", is_default=False)
    await bench.channels.refresh()
    behave(bench, relay=unavailable, spare=unavailable)
    await bench.take_in(queued_mail(), queued_mail(connection="spare"))
    await bench.rounds()
    await bench.take_in(queued_mail())

    await bench.rounds(3)

    assert (await stored(bench))[-1] == ("relay", "last", "sent")


async def test_without_a_fallback_messages_wait(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await configure(bench.pool, 26, name="other", is_default=False)
    await bench.channels.refresh()
    behave(bench, relay=unavailable)
    await bench.take_in(*(queued_mail() for _ in range(8)))

    await bench.rounds(4)

    assert sent_by(bench)["other"] == 0
    assert "sent" not in await bench.states()


@pytest.mark.parametrize(
    "reply",
    ["450 4.2.1 later", "550 5.1.1 unknown", "552 5.2.3 too large for this user", "552 Full"],
)
async def test_a_refused_recipient_is_no_matter_for_the_fallback(bench: Bench, reply: str) -> None:
    await open_two(bench)
    behave(bench, relay=refusing(reply, recipient=True))
    await bench.take_in(queued_mail())

    await bench.rounds(3)

    assert sent_by(bench) == Counter(relay=1)


@pytest.mark.parametrize("by", ["max_bytes", "552 5.3.4 too big", "552 Message size exceeds 10 MB"])
async def test_a_message_that_is_too_large_goes_over_the_fallback(bench: Bench, by: str) -> None:
    await open_two(bench, max_bytes=100 if by == "max_bytes" else 0)
    behave(bench, relay=refusing(by))
    await bench.take_in(queued_mail())

    await bench.rounds(4)

    assert await stored(bench) == [("spare", "", "sent")]


async def test_a_message_that_no_connection_takes_fails_with_the_size(bench: Bench) -> None:
    await configure(bench.pool, 25, max_bytes=100)
    await bench.take_in(queued_mail())

    await bench.rounds(3)

    (found,) = await rows_of(bench)
    assert found.startswith("the message has ")
    assert found.endswith("more than outgoing connection relay takes (100).")
    assert await bench.states() == ["failed"]


@pytest.mark.parametrize("by", ["max_bytes", "552 5.3.4 too big"])
async def test_what_is_too_large_for_the_fallback_waits_for_its_own_connection(
    bench: Bench, by: str
) -> None:
    await configure(bench.pool, 25, fallback="spare")
    limit = 100 if by == "max_bytes" else 0
    await configure(bench.pool, 26, name="spare", is_default=False, max_bytes=limit)
    await bench.channels.refresh()
    behave(bench, relay=unavailable, spare=refusing(by))
    await bench.take_in(queued_mail())

    await bench.rounds(5)

    assert await stored(bench) == [("relay", "", "deferred")]
    (found,) = await rows_of(bench)
    assert found.endswith(". It waits for relay.")
    behave(bench, spare=refusing(by))
    bench.clock.move(PROBE_MAX_SECONDS)
    await bench.rounds(2)
    assert await stored(bench) == [("relay", "", "sent")]


async def test_a_message_that_brings_a_fault_about_is_not_tried_all_the_time(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await bench.channels.refresh()
    tried: Counter[bool] = Counter()

    def behaviour(envelope: Envelope, limit: TimeLimit) -> list[Answer]:
        is_poison = b"poison" in envelope.content
        tried[is_poison] += 1
        if is_poison:
            raise CourierUnavailable("sender denied")
        return accepting(envelope, limit)

    behave(bench, relay=behaviour)
    await bench.take_in(queued_mail(subject="poison"))
    for _ in range(60):
        await bench.take_in(queued_mail())
        await bench.rounds()
        bench.clock.move(1)

    assert tried[True] <= 2
    assert tried[False] >= 50


def losing(envelope: Envelope, limit: TimeLimit) -> list[Answer]:
    """Answers as a server does that drops the connection within the message."""
    return [
        Answer(recipient=one, state="deferred", reply="421 closing", connection_lost=True)
        for one in envelope.recipients
    ]


async def test_a_server_that_drops_connections_is_paused(bench: Bench) -> None:
    await open_two(bench)
    behave(bench, relay=losing)
    await bench.take_in(*(queued_mail() for _ in range(12)))

    await bench.rounds(8)

    # Also what met the fault keeps its connection, and goes over the fallback this time.
    assert await stored(bench) == [("relay", "spare", "sent")] * 12
    assert sent_by(bench)["relay"] == bench.process.settings.sender.connections


async def test_files_that_are_too_large_are_not_read(bench: Bench) -> None:
    await configure(bench.pool, 25, max_bytes=1_000_000)
    # The blob store has no such file.
    file = OutgoingAttachment(
        name="film.mp4", content_type="video/mp4", sha256="a" * 64, size=800_000
    )
    await bench.take_in(replace(queued_mail(), attachments=[file]))

    await bench.rounds(3)

    (found,) = await rows_of(bench)
    assert found.startswith("the message has 1,09")
    assert await bench.states() == ["failed"]


async def rows_of(bench: Bench) -> list[str]:
    async with transaction(bench.pool) as connection:
        return [row[0] for row in await rows(connection, "SELECT reply FROM delivery")]


async def test_a_limit_of_messages_a_minute_holds_for_all_senders(bench: Bench) -> None:
    await configure(bench.pool, 25, mails_per_minute=10)
    other = bench.another()
    other.clock = bench.clock
    await bench.take_in(*(queued_mail() for _ in range(60)))
    sent: list[float] = []
    start = bench.clock.steady()
    for _ in range(200):
        before = sum(sent_by(bench).values()) + sum(sent_by(other).values())
        await bench.rounds()
        await other.rounds()
        now = sum(sent_by(bench).values()) + sum(sent_by(other).values())
        sent += [bench.clock.steady() - start] * (now - before)
        bench.clock.move(1.0)

    # In any minute at most ten, and hardly fewer over the whole time.
    assert max(sum(at <= one < at + 60 for one in sent) for at in sent) == 10
    assert len(sent) >= 30


async def test_a_limit_costs_one_row_once_a_round(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing where there is none."""
    touched: list[str] = []

    def counted(method: Callable[..., Awaitable[Any]], verb: str) -> Callable[..., Awaitable[Any]]:
        async def call(connection: Any, name: str, *arguments: Any) -> Any:
            touched.append(f"{verb} {name}")
            return await method(connection, name, *arguments)

        return call

    for verb in ("lock", "save"):
        monkeypatch.setattr(rates, verb, counted(getattr(rates, verb), verb))
    await configure(bench.pool, 25, mails_per_minute=40)
    await configure(bench.pool, 25, name="free", is_default=False)
    await bench.channels.refresh()
    both = [queued_mail(connection=name) for name in ("relay", "free") for _ in range(4)]
    await bench.take_in(*both)
    await bench.rounds()
    assert sum(sent_by(bench).values()) == 8
    assert touched == ["lock relay", "save relay"]
    # Nothing is due.
    await bench.rounds()
    assert touched[2:] == ["lock relay"]
    async with transaction(bench.pool) as connection:
        found = await rows(connection, "SELECT connection FROM outgoing_rate")
    assert found == [("relay",)]


async def test_no_sender_waits_for_another_one_that_uses_a_limit(bench: Bench) -> None:
    await configure(bench.pool, 25, mails_per_minute=30)
    await configure(bench.pool, 26, name="free", is_default=False)
    await bench.channels.refresh()
    async with transaction(bench.pool) as connection:
        assert await rates.lock(connection, "relay", bench.clock.now())
        await bench.take_in(queued_mail(), queued_mail(connection="free"))
        async with asyncio.timeout(10):
            await bench.rounds(2)
        assert await stored(bench) == [("relay", "", "queued"), ("free", "", "sent")]

    await bench.rounds(2)
    assert await stored(bench) == [("relay", "", "sent"), ("free", "", "sent")]


@pytest.mark.parametrize("paused", ["relay", "spare", ALL])
async def test_a_paused_connection_sends_nothing(bench: Bench, paused: str) -> None:
    await open_two(bench)
    await bench.take_in(queued_mail(), queued_mail(connection="spare"))
    async with transaction(bench.pool) as connection:
        now = bench.clock.now()
        wanted = Pause(connection=paused, paused_at=now, paused_by="ops", reason="flood")
        await pauses.pause(connection, wanted)

    await bench.rounds(2)

    expected = {"relay": {"spare"}, "spare": {"relay"}, ALL: set()}[paused]
    assert set(sent_by(bench)) == expected
    async with transaction(bench.pool) as connection:
        assert await pauses.resume(connection, paused)
        assert not await pauses.resume(connection, paused)
    bench.clock.move(1)
    await bench.rounds(2)
    assert await bench.states() == ["sent", "sent"]


async def test_a_paused_fallback_does_not_take_over(bench: Bench) -> None:
    await open_two(bench)
    behave(bench, relay=unavailable)
    await bench.take_in(*(queued_mail() for _ in range(6)))
    async with transaction(bench.pool) as connection:
        now = bench.clock.now() - timedelta(hours=1)
        await pauses.pause(
            connection, Pause(connection="spare", paused_at=now, paused_by="ops", reason="")
        )

    await bench.rounds(4)

    assert sent_by(bench)["spare"] == 0
