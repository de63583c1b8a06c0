"""An out-of-office answer in the database: a comment, and nothing else that changes."""

from __future__ import annotations

from postrail.message_parts import Address
from postrail.records import OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.integration.handler.bounces.scene import new_issues
from tests.makers.records import mail_parsed

STATE = "SELECT status, resolution, assignee, priority, labels FROM issue"
PEOPLE = (
    "SELECT 'watches', address FROM watcher UNION ALL SELECT 'takes part', address"
    " FROM participant ORDER BY 1, 2"
)


async def test_an_out_of_office_answer_changes_no_state(bench: Bench) -> None:
    (message_id,) = await new_issues(bench)
    before = [await bench.rows(STATE), await bench.rows(PEOPLE)]
    colleague = Address(name="", address="colleague@example.org")
    for sender in (None, colleague):
        changes = {"sender": sender} if sender else {}
        away = mail_parsed(
            kind="auto_reply",
            subject="Out of office: Printer on fire",
            in_reply_to=[message_id],
            cc=[colleague],
            text="I am away.",
            **changes,
        )
        await bench.handle(away)
    assert [one[1] for one in await bench.outcomes()] == ["issue", "comment", "comment"]
    assert await bench.rows("SELECT count(*) FROM comment") == [(2,)]
    assert [await bench.rows(STATE), await bench.rows(PEOPLE)] == before
    assert len(bench.sent(OutgoingQueued)) == 1
