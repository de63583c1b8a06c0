"""The sender posts what waits until its receiver has taken it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from postrail.database import Pool, rows, transaction
from postrail.webhooks import claims
from services.sender.webhooks.worker import COUNT_EVERY
from tests.integration.webhooks.scene import CALLBACK_SECRET, Scene, until
from tests.servers.webhooks.receiver import SECRET, Receiver, answer, when_open

DOWN = answer(500)


async def test_a_post_arrives_once_signed_and_with_its_id(scene: Scene, receiver: Receiver) -> None:
    post_id = await scene.add(receiver.url())
    sender = scene.sender()
    assert await sender.work() == 1
    assert await sender.work() == 0
    (got,) = receiver.received
    assert json.loads(got.body) == {
        "id": post_id,
        "event": "approval.decided",
        "choice": "approve",
    }
    assert got.post_id == post_id
    stamp, found = (part.split("=")[1] for part in got.headers["Postrail-Signature"].split(","))
    signed = f"{stamp}.{got.body}".encode()
    assert found == hmac.new(CALLBACK_SECRET.encode(), signed, hashlib.sha256).hexdigest()
    row = await scene.row(post_id)
    assert (row.state, row.status, row.error) == ("posted", 204, "")
    assert row.host == f"localhost:{receiver.port}"


async def test_a_receiver_that_is_down_for_an_hour_gets_it_after_that(
    scene: Scene, receiver: Receiver
) -> None:
    receiver.behaviours = [DOWN]
    post_id = await scene.add(receiver.url())
    sender = scene.sender()
    pauses = []
    for attempt in range(1, 9):
        assert await sender.work() == 1
        row = await scene.row(post_id)
        assert (row.state, row.attempts, row.status) == ("waiting", attempt, 500)
        pauses.append(row.seconds)
        # Not before its time.
        assert await sender.work() == 0
        await scene.move_to_next(post_id)
    # 10 s, doubled each time, give or take a fifth.
    for pause, plain in zip(pauses, [10, 20, 40, 80, 160, 320, 640, 1280], strict=True):
        assert plain * 0.79 < pause < plain * 1.21
    receiver.behaviours = [answer(200)]
    await sender.work()
    assert (await scene.row(post_id)).state == "posted"
    assert len({got.post_id for got in receiver.received}) == 1
    assert len({got.body for got in receiver.received}) == 1


async def test_it_is_given_up_after_five_days(scene: Scene, receiver: Receiver) -> None:
    receiver.behaviours = [DOWN]
    post_id = await scene.add(receiver.url())
    sender = scene.sender()
    await scene.pass_time(sender, timedelta(days=4, hours=20), timedelta(hours=1.3))
    assert (await scene.row(post_id)).state == "waiting"
    await scene.pass_time(sender, timedelta(hours=10), timedelta(hours=1.3))
    row = await scene.row(post_id)
    assert (row.state, row.status) == ("failed", 500)
    assert "the answer is 500" in row.error
    posted = len(receiver.received)
    await scene.pass_time(sender, timedelta(hours=5), timedelta(hours=1))
    assert len(receiver.received) == posted


async def test_an_answer_of_410_ends_it_at_once(scene: Scene, receiver: Receiver) -> None:
    receiver.behaviours = [answer(410)]
    post_id = await scene.add(receiver.url())
    await scene.sender().work()
    row = await scene.row(post_id)
    assert (row.state, row.attempts, row.status) == ("failed", 1, 410)


async def test_two_senders_never_post_the_same_at_the_same_time(
    scene: Scene, receiver: Receiver, other_receiver: Receiver
) -> None:
    posts = [await scene.add(one.url()) for one in (receiver, other_receiver) for _ in range(20)]
    senders = [scene.sender() for _ in range(3)]

    async def work(number: int) -> None:
        while set(await scene.states(posts)) != {"posted"}:
            await senders[number].work()

    await asyncio.gather(*map(work, range(3)))
    for one in (receiver, other_receiver):
        assert len(one.received) == 20
        assert max(one.at_once.values()) == 1


async def test_a_slow_receiver_holds_one_post_and_delays_no_other(
    scene: Scene, receiver: Receiver, other_receiver: Receiver
) -> None:
    receiver.behaviours = [when_open()]
    receiver.gate.clear()
    slow = [await scene.add(receiver.url()) for _ in range(50)]
    quick = [await scene.add(other_receiver.url()) for _ in range(5)]
    first, second = scene.sender(), scene.sender()
    await first.begin()
    await until(lambda: receiver.received)
    await second.begin()
    async with asyncio.timeout(20):
        while set(await scene.states(quick)) != {"posted"}:
            await first.begin()
    # One of the other host's is under way, and none of them was begun twice.
    assert len(receiver.received) == 1
    assert (await scene.states(slow)).count("posting") == 1
    receiver.gate.set()
    await asyncio.gather(first.finish(), second.finish())
    await first.work()
    assert len(receiver.received) == 50


async def test_an_expired_claim_is_taken_over_and_its_late_answer_is_not_recorded(
    scene: Scene, receiver: Receiver
) -> None:
    receiver.behaviours = [when_open(500), answer(200)]
    receiver.gate.clear()
    post_id = await scene.add(receiver.url())
    frozen, other = scene.sender(), scene.sender()
    await frozen.begin()
    await until(lambda: receiver.received)
    assert await other.work() == 0
    scene.clock.move(claims.CLAIM.total_seconds() + 1)
    assert await other.work() == 1
    assert (await scene.row(post_id)).state == "posted"
    receiver.gate.set()
    await frozen.finish()
    row = await scene.row(post_id)
    assert (row.state, row.status, row.attempts) == ("posted", 200, 2)
    first, second = receiver.received
    assert (first.post_id, first.body) == (second.post_id, second.body)


async def test_no_transaction_is_open_while_something_is_posted(
    scene: Scene, receiver: Receiver
) -> None:
    receiver.behaviours = [when_open()]
    receiver.gate.clear()
    await scene.add(receiver.url())
    sender = scene.sender()
    await sender.begin()
    await until(lambda: receiver.received)
    async with transaction(scene.pool) as connection:
        open_ones = await rows(
            connection,
            "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%%'",
        )
    assert open_ones == []
    receiver.gate.set()
    await sender.finish()


async def test_metrics_count_the_attempts_and_what_has_not_arrived(
    scene: Scene, receiver: Receiver
) -> None:
    def value(name: str, label: str, of: str) -> float:
        return REGISTRY.get_sample_value(name, {label: of}) or 0

    outcomes = ("posted", "waiting", "failed")
    before = [value("postrail_webhook_attempts_total", "outcome", one) for one in outcomes]
    receiver.behaviours = [answer(204), answer(410), DOWN]
    for _ in range(3):
        await scene.add(receiver.url())
    sender = scene.sender()
    await sender.work()
    after = [value("postrail_webhook_attempts_total", "outcome", one) for one in outcomes]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1, 1]
    scene.clock.move(COUNT_EVERY.total_seconds())
    await sender.begin()
    states = ("waiting", "failing", "failed")
    assert [value("postrail_webhook_posts", "state", one) for one in states] == [1, 1, 1]
    await sender.finish()


async def test_what_was_posted_is_forgotten_after_a_month_and_what_failed_stays(
    scene: Scene, receiver: Receiver, pool: Pool
) -> None:
    posted = await scene.add(receiver.url())
    await scene.sender().work()
    receiver.behaviours = [DOWN]
    waiting = await scene.add(receiver.url())
    await scene.sender().work()
    scene.clock.move(claims.KEPT.total_seconds() - 3700)
    async with transaction(pool) as connection:
        await claims.forget_old(connection, scene.clock.now())
        assert len(await rows(connection, "SELECT FROM webhook_post")) == 2
        scene.clock.move(7200)
        await claims.forget_old(connection, scene.clock.now())
        left = [row[0] for row in await rows(connection, "SELECT post_id::text FROM webhook_post")]
    assert posted not in left
    assert left == [waiting]


async def test_neither_log_nor_table_has_an_address_or_a_secret(
    scene: Scene, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.behaviours = [answer(302, receiver.url())]
    urls = [
        receiver.url(),
        # Nothing listens there.
        f"https://ann:{SECRET}@127.0.0.1:9/{SECRET}?{SECRET}",
        f"https://localhost:{SECRET}/",
        f"https://[::1/{SECRET}",
        f"https://{'a' * 64}.example/{SECRET}",
        f"https://localhost:9/\x7f\n{SECRET}",
    ]
    for url in urls:
        await scene.add(url)
    await scene.sender().work()
    async with transaction(scene.pool) as connection:
        found = await rows(connection, "SELECT last_error, webhook_post::text FROM webhook_post")
    assert all(error for error, _ in found)
    seen = "".join(capsys.readouterr()) + str(found)
    assert SECRET not in seen
    assert CALLBACK_SECRET not in seen
