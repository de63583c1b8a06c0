"""Answers, acts, pages and deadlines that meet at the requests of one issue stop nobody."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from postrail.approvals.request import AtDeadline
from postrail.approvals.token import token_for
from postrail.database import transaction
from postrail.errors import PermanentError
from postrail.operate.approvals.answer import PageAnswer, answer_on_page
from postrail.operate.approvals.reassign import reassign
from postrail.operate.approvals.withdraw import withdraw
from postrail.operate.issues.comment import comment
from postrail.timers import queue as timers
from postrail.timers.queue import TimerKind
from tests.integration.handler.approval_times.scene import read_whole, work
from tests.integration.handler.approvals.scene import answer, ask, configure, kinds, part_of
from tests.integration.handler.bench import Bench
from tests.makers.acts import OPERATOR
from tests.makers.approvals.requests import ANA, BEN
from tests.makers.records import mail_parsed, verified

ROUNDS = 6
ENDS = {"decided", "expired", "withdrawn"}


async def test_none_waits_for_one_that_waits_for_it(bench: Bench) -> None:
    await configure(bench)
    first = mail_parsed(subject="Deploy")
    await bench.handle(first)
    ((issue_id,),) = await bench.rows("SELECT issue_id FROM issue_index")
    other = bench.another()[0]
    for number in range(ROUNDS):
        now = bench.clock.now()
        fields = {"issue_id": issue_id, "deadline": now, "at_deadline": AtDeadline.REJECT}
        request = await ask(bench, ANA, BEN, **fields)
        second = await ask(bench, ANA, BEN, issue_id=issue_id)
        part = await part_of(bench, request, BEN)
        key = bench.desk.message_id_key
        token = token_for(key, part.assignment_id, part.request_id, part.address)
        page = PageAnswer(token=str(token), choice="approve", comment="", address=BEN)
        async with transaction(bench.pool) as connection:
            due = {request.request_id: now}
            await timers.schedule(connection, TimerKind.APPROVAL_DEADLINE, due)
        early = {"received_at": now - timedelta(hours=1)}
        reply = mail_parsed(
            subject=f"Re: {number}", text=f"{number}", in_reply_to=[str(first.message_id)]
        )
        await bench.take_in(
            await answer(bench, request, ANA, "approve", **early),
            await answer(bench, second, ANA, "approve", **early),
            await answer(bench, second, BEN, "Why?", **early),
            verified(reply),
        )
        await read_whole(bench)
        async with asyncio.timeout(60):
            done = await asyncio.gather(
                bench.work(),
                other.work_batch(),
                withdraw(bench.desk, OPERATOR, second.key),
                reassign(bench.desk, OPERATOR, request.key, ANA, "new@example.org"),
                answer_on_page(bench.desk, page),
                comment(bench.desk, OPERATOR, "HELP-1", f"text {number}"),
                work(bench),
                return_exceptions=True,
            )
        unexpected = [one for one in done if isinstance(one, BaseException)]
        assert all(isinstance(one, PermanentError) for one in unexpected), unexpected
        await bench.work()
        for each in (request, second):
            found = await kinds(bench, each)
            assert len([one for one in found if one in ENDS]) <= 1
    assert await bench.rows(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ) == [(0,)]
