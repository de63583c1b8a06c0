"""People are told of an issue whose only recipient is an address that is not written to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from postrail.database import rows, transaction
from postrail.outgoing import intake, reports, suppressions
from postrail.outgoing.reports import Report
from postrail.records import OutgoingQueued
from postrail.timed_work.worker import TimedWork
from postrail.timers.queue import TimerKind
from postrail.views.history import history
from services.sender.alerts.unreached import unreached_work
from tests.integration.sender.bench import TELLER, Bench
from tests.integration.sender.connections.test_alerts import LEAD, OPS, an_issue, told, with_lead
from tests.processes.senders import configure, queued_mail

ANN, BO = "ann@example.org", "bo@example.org"
BOUNCE = "3f2b6a0e-0000-4000-8000-000000000001"
CASES = ("same message", "other language", "in a bundle", "waits for a bundle")


@pytest.fixture
async def issue_id(bench: Bench) -> int:
    """Makes the issue SALE-1, in a project that has a lead."""
    await configure(bench.pool, 25)
    await with_lead(bench, "SALE")
    return await an_issue(bench)


async def work(bench: Bench) -> int:
    """Does the timed work of a sender; returns how many timers there were."""
    work = {TimerKind.UNREACHED: unreached_work(TELLER)}
    return await TimedWork(bench.process, bench.pool, TELLER.message_id_key, work).work()


async def suppress(bench: Bench, address: str) -> None:
    async with transaction(bench.pool) as connection:
        await suppressions.suppress(connection, address, "no such user", BOUNCE, bench.clock.now())


async def store(
    bench: Bench, issue_id: int, *recipients: str, cause: str = "act", **changes: Any
) -> OutgoingQueued:
    """Stores what these people are told of an event of the issue."""
    mail = queued_mail(
        issue_id=issue_id,
        recipients=recipients,
        queued_at=bench.clock.now(),
        cause=cause,
        **changes,
    )
    async with transaction(bench.pool) as connection:
        await intake.store(connection, [mail])
    return mail


async def test_the_people_of_the_project_are_told_and_it_stands_in_the_history(
    bench: Bench, issue_id: int
) -> None:
    await suppress(bench, ANN)
    await store(bench, issue_id, ANN)
    assert await work(bench) == 1

    (notice,) = await told(bench)

    assert (notice.to, notice.over) == ([LEAD, OPS], "relay")
    assert notice.subject == "Postrail: Nobody gets the emails about SALE-1"
    assert f"The only recipient is {ANN}, an address that is not written to" in notice.text
    assert "no such user" in notice.text
    assert f"postrail outgoing suppressed release {ANN} --send-held" in notice.text
    async with transaction(bench.pool) as connection:
        shown = [one.after for one in await history(connection, "SALE-1")]
        (alert,) = await rows(connection, "SELECT body FROM webhook_post")
    assert f"held, not sent to {ANN}: Not written to this address: no such user" in shown
    body = json.loads(alert[0])
    assert (body["fault"], body["issue"], body["recipient"]) == ("unreachable", "SALE-1", ANN)

    # The next ones of the same hour are silent, and the next hour is not.
    for seconds, expected in ((0, 1), (3700, 2)):
        bench.clock.move(seconds)
        await store(bench, issue_id, ANN)
        assert await work(bench) == 1
        assert len(await told(bench)) == expected


async def test_what_waits_when_the_address_is_suppressed_counts(
    bench: Bench, issue_id: int
) -> None:
    await store(bench, issue_id, ANN)
    assert await work(bench) == 0
    await suppress(bench, ANN)
    assert await work(bench) == 1
    assert len(await told(bench)) == 1


@pytest.mark.parametrize(("event", "expected"), [("hard", 1), ("delayed", 0)])
async def test_a_message_that_came_back_counts(
    bench: Bench, issue_id: int, event: str, expected: int
) -> None:
    mail = await store(bench, issue_id, ANN)
    report = Report(
        outgoing_id=mail.outgoing_id,
        recipient=ANN,
        event=event,
        status="5.1.1",
        status_class="5",
        reason="no such user",
        address="",
        mail_id=BOUNCE,
        reported_at=bench.clock.now(),
    )
    async with transaction(bench.pool) as connection:
        await connection.execute("UPDATE delivery SET state = 'sent'")
        await reports.note(connection, [report])
        await suppressions.check_reach(connection, [mail.outgoing_id], bench.clock.now())
    await suppress(bench, ANN)
    assert await work(bench) == 1
    assert len(await told(bench)) == expected


@pytest.mark.parametrize(
    "case", ["same message", "other language", "in a bundle", "waits for a bundle"]
)
async def test_nobody_is_told_where_somebody_is_reached(
    bench: Bench, issue_id: int, case: str
) -> None:
    await suppress(bench, ANN)
    if case == "same message":
        await store(bench, issue_id, ANN, BO)
    else:
        await store(bench, issue_id, ANN)
    if case == "other language":
        await store(bench, issue_id, BO, language="de")
    if case == "in a bundle":
        await store(bench, issue_id, BO, cause="an earlier act, act")
    if case == "waits for a bundle":
        async with transaction(bench.pool) as connection:
            await connection.execute(
                "INSERT INTO pending_event (outgoing_id, issue_id, issue_key, conversation,"
                " connection, cause, subject, happened_at, content) VALUES (gen_random_uuid(), %s,"
                " 'SALE-1', 'c', 'relay', 'act', 's', now(), '{}')",
                [issue_id],
            )
    assert await work(bench) == 1
    assert await told(bench) == []
    # The next event reaches nobody.
    await store(bench, issue_id, ANN, cause="next act")
    assert await work(bench) == 1
    assert len(await told(bench)) == 1


async def test_messages_about_no_issue_set_no_timer(bench: Bench, issue_id: int) -> None:
    await suppress(bench, ANN)
    async with transaction(bench.pool) as connection:
        await intake.store(connection, [queued_mail(recipients=[ANN], issue_key=None)])
    assert await work(bench) == 0
