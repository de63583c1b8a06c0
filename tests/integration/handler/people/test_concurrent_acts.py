"""Acts of people beside two handlers that comment on the same issue: nothing is lost."""

from __future__ import annotations

import asyncio

from postrail.database import open_pool
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.assign import assign
from postrail.operate.issues.edit import Edits, edit
from postrail.operate.issues.transition import transition
from postrail.operate.issues.watch import watch
from postrail.settings import Settings
from services.handler.step import Handler
from tests.integration.handler.bench import Bench
from tests.integration.operate.issues.scene import LATER, OPERATOR
from tests.makers.acts import desk_at
from tests.makers.records import mail_parsed

AGENT = Actor(address="agent@example.com", name="Agent")
COMMENTS = 40
ROUNDS = 10
LIMIT_SECONDS = 120


async def test_nothing_is_lost_when_people_and_handlers_change_one_issue(
    bench: Bench, settings: Settings
) -> None:
    first = mail_parsed()
    await bench.handle(first)
    answers = [
        mail_parsed(in_reply_to=[str(first.message_id)], text=f"{n:02}") for n in range(COMMENTS)
    ]
    await bench.take_in(*answers)
    people = await open_pool(settings.database)
    desk = desk_at(LATER, people)

    async def work(handler: Handler) -> None:
        while await bench.rows("SELECT 1 FROM incoming_mail WHERE state = 'new'"):
            await handler._batch.work(1)

    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            handlers = [work(bench.another()[0]) for _ in range(2)]
            acts = [change(desk, actor, name) for name in "abc" for actor in (AGENT, OPERATOR)]
            await asyncio.gather(*handlers, *acts)
    finally:
        await people.close()
    await require_all(bench)


async def change(desk: Desk, actor: Actor, name: str) -> None:
    """Changes the issue again and again; each round ends with the issue as it was before."""
    for number in range(ROUNDS):
        label = f"{name}{number}{'x' if actor is AGENT else ''}"
        await edit(desk, actor, "HELP-1", Edits(add={"labels": [label]}))
        await watch(desk, actor, "HELP-1", watcher=AGENT.address, watching=number % 2 == 0)
        await transition(desk, actor, "HELP-1", "Done" if number % 2 else "Open")
        await assign(desk, actor, "HELP-1", AGENT.address if number % 2 else None)


async def require_all(bench: Bench) -> None:
    """Checks that each message made a comment, and that history and records have all changes."""
    assert await bench.rows("SELECT state, count(*) FROM incoming_mail GROUP BY state") == [
        ("done", COMMENTS + 1)
    ]
    assert await bench.rows("SELECT count(DISTINCT body) FROM comment") == [(COMMENTS,)]
    assert await bench.rows("SELECT cardinality(labels) FROM issue") == [(6 * ROUNDS,)]
    # Each change begins with the value that the one before it left.
    changes = await bench.rows(
        "SELECT field, before, after FROM issue_change WHERE field <> 'watcher' ORDER BY change_id"
    )
    values: dict[str, object] = {"status": "Open", "labels": []}
    for field, before, after in changes:
        assert values.get(field) == before
        values[field] = after
    ((labels, status, assignee, resolution),) = await bench.rows(
        "SELECT labels, status, assignee, resolution FROM issue"
    )
    assert (labels, status) == (values["labels"], values["status"])
    assert (assignee, resolution) == (values.get("assignee"), values.get("resolution"))
    acts = await bench.rows("SELECT count(DISTINCT act_id) FROM issue_change")
    assert await bench.rows("SELECT count(*) FROM outbox WHERE topic = 'issue.changed'") == acts
