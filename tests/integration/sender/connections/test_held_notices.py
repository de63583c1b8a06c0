"""People are told of an issue whose limit holds its notifications, however these were caused."""

from __future__ import annotations

from dataclasses import replace

from postrail.configuration.load import load_snapshot
from postrail.configuration.models.limit import Limit, LimitName
from postrail.database import transaction
from postrail.effects.deliveries.store import store_notifications
from postrail.timed_work.worker import TimedWork
from postrail.timers.queue import TimerKind
from services.sender.alerts.held import held_work
from tests.integration.sender.bench import TELLER, Bench
from tests.integration.sender.connections.test_alerts import LEAD, OPS, an_issue, told, with_lead
from tests.processes.senders import configure, queued_mail

ANN = "ann@example.org"
LIMIT = Limit(name=LimitName.ISSUE_NOTIFICATIONS, value=1, minutes=60)


async def notify(bench: Bench, issue_id: int) -> None:
    mail = queued_mail(issue_id=issue_id, recipients=[ANN], queued_at=bench.clock.now())
    async with transaction(bench.pool) as connection:
        snapshot = replace(await load_snapshot(connection), limits={LIMIT.name: LIMIT})
        await store_notifications(connection, [mail], snapshot, bench.clock.now())


async def work(bench: Bench) -> int:
    """Does the timed work of a sender; returns how many timers there were."""
    work = {TimerKind.HELD: held_work(TELLER)}
    return await TimedWork(bench.process, bench.pool, TELLER.message_id_key, work).work()


async def test_people_are_told_once_an_hour(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await with_lead(bench, "SALE")
    issue_id = await an_issue(bench)
    await notify(bench, issue_id)
    assert await work(bench) == 0
    await notify(bench, issue_id)
    await notify(bench, issue_id)
    assert await work(bench) == 1

    (notice,) = await told(bench)

    assert notice.to == [LEAD, OPS]
    assert notice.subject == "Postrail: Notifications of SALE-1 wait"
    assert "1 notification in 60 minutes" in notice.text
    assert "postrail outgoing release --all --issue SALE-1" in notice.text
    await notify(bench, issue_id)
    assert await work(bench) == 1
    assert len(await told(bench)) == 1


async def test_what_was_released_in_the_meantime_is_not_told(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await with_lead(bench, "SALE")
    issue_id = await an_issue(bench)
    await notify(bench, issue_id)
    await notify(bench, issue_id)
    async with transaction(bench.pool) as connection:
        await connection.execute("UPDATE delivery SET state = 'queued'")
    assert await work(bench) == 1
    assert await told(bench) == []
