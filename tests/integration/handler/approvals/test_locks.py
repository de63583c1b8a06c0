"""Whoever holds the end of the ledger waits for nobody, so that replicas never stop each other."""

from __future__ import annotations

import asyncio

from postrail.approvals.token import PROOF_CHARACTERS
from postrail.configuration.models.limit import Limit, LimitName
from postrail.database import one, transaction
from postrail.outgoing import notices
from tests.integration.handler.approvals.scene import answer, ask, configure, kinds, part_of
from tests.integration.handler.bench import Bench
from tests.integration.handler.moved.acts import waits_for_a_lock
from tests.makers.approvals.requests import ANA
from tests.makers.records import NOON, mail_parsed

CAUSE = "limit sender_messages in HELP"


async def test_a_batch_that_waits_does_not_hold_the_ledger(bench: Bench) -> None:
    await configure(bench)
    await bench.save(Limit(name=LimitName.SENDER_MESSAGES, value=1))
    request = await ask(bench, ANA)
    await bench.handle(mail_parsed(subject="first"))
    await bench.take_in(
        await answer(bench, request, ANA, "Who wants that?"), mail_parsed(subject="above the limit")
    )
    async with transaction(bench.pool) as other:
        # Another replica tells people of the same limit, and then adds to the ledger.
        await notices.due(other, [CAUSE, f"nobody is told: {CAUSE}"], NOON)
        work = asyncio.create_task(bench.work())
        await waits_for_a_lock(bench)
        assert await one(other, "SELECT 1 FROM approval_chain FOR UPDATE NOWAIT")
    await work
    assert await kinds(bench, request) == ["requested", "refused"]
    assert (await bench.outcomes())[1:] == [
        ("done", "ignored", None),
        ("quarantined", "quarantined", None),
    ]


async def test_messages_with_tokens_that_we_did_not_make_hold_nobody_up(bench: Bench) -> None:
    await configure(bench)
    request = await ask(bench, ANA)
    part = await part_of(bench, request, ANA)
    forged = f"{part.assignment_id}a-{'a' * PROOF_CHARACTERS}"
    others = [mail_parsed(subject=f"{number}", text=f"{number} {forged}") for number in range(4)]
    await bench.take_in(*others, await answer(bench, request, ANA, "approve"))
    await bench.handler.work_batch()
    assert await bench.outcomes() == [
        *(("done", "issue", f"HELP-{number}") for number in range(1, 5)),
        ("done", "approval", None),
    ]
