"""What waits about an issue that is moved is told with its new key and project."""

from __future__ import annotations

import pytest

from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.database import transaction
from postrail.records import OutgoingQueued
from postrail.tracker import issues
from postrail.tracker.successors import record_move
from tests.integration.handler.bench import Bench
from tests.integration.handler.bundles.bundling import ANN, WINDOW, tell, work_of

DAY = 24 * 3600


async def _move(bench: Bench, issue_id: int) -> None:
    await bench.save(Project(key="SALE", name="Sales desk"))
    async with transaction(bench.pool) as connection:
        found = await issues.lock(connection, [issue_id])
        await record_move(connection, found[issue_id], "SALE-9", "SALE")


@pytest.mark.parametrize("events", [1, 2])
async def test_a_bundle(bench: Bench, issue: int, events: int) -> None:
    await tell(bench, issue, "first")
    for number in range(events):
        await tell(bench, issue, f"As I said in HELP-1, {number}")
    await _move(bench, issue)
    bench.clock.move(WINDOW)
    await work_of(bench).work()
    mail = bench.sent(OutgoingQueued)[-1]
    assert mail.issue_key == "SALE-9"
    assert mail.subject.startswith("[SALE-9] ")
    # Only what people wrote keeps the key that they wrote.
    assert (mail.text or "").count("HELP-1") == (mail.text or "").count("As I said") == events
    assert "Ada commented on SALE-9" in (mail.text or "")


async def test_a_digest(bench: Bench, issue: int) -> None:
    await bench.save(Person(address=ANN.address, name="Ann", messages="digest"))
    await tell(bench, issue, "It burns")
    await _move(bench, issue)
    bench.clock.move(DAY)
    await work_of(bench).work()
    text = bench.sent(OutgoingQueued)[-1].text or ""
    assert "SALE-9" in text
    assert "HELP-1" not in text
