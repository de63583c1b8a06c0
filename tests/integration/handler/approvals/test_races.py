"""Answers by mail at the same time as acts by commands: each has its effect before the other."""

from __future__ import annotations

import asyncio

from postrail.operate.approvals.act import RequestEnded
from postrail.operate.approvals.reassign import reassign
from postrail.operate.approvals.withdraw import withdraw
from tests.integration.handler.approvals.scene import answer, ask, configure, kinds, state_of
from tests.integration.handler.bench import Bench
from tests.makers.acts import OPERATOR
from tests.makers.approvals.requests import ANA, BEN

ROUNDS = 5


async def test_a_request_is_decided_or_withdrawn(bench: Bench) -> None:
    await configure(bench)
    for _ in range(ROUNDS):
        request = await ask(bench, ANA)
        await bench.take_in(await answer(bench, request, ANA, "approve"))
        async with asyncio.timeout(60):
            _, refused = await asyncio.gather(
                bench.work(), withdraw(bench.desk, OPERATOR, request.key), return_exceptions=True
            )
        state, _ = await state_of(bench, request)
        last = await kinds(bench, request)
        if isinstance(refused, RequestEnded):
            assert (state, last[1:]) == ("decided", ["answered", "decided"])
        else:
            assert not isinstance(refused, BaseException), refused
            assert (state, last[1:]) == ("withdrawn", ["withdrawn", "refused"])


async def test_one_of_the_former_and_the_new_approver_decides(bench: Bench) -> None:
    await configure(bench)
    for _ in range(ROUNDS):
        request = await ask(bench, ANA)
        await bench.take_in(await answer(bench, request, ANA, "approve"))
        async with asyncio.timeout(60):
            _, refused = await asyncio.gather(
                bench.work(),
                reassign(bench.desk, OPERATOR, request.key, ANA, BEN),
                return_exceptions=True,
            )
        state, _ = await state_of(bench, request)
        assert (state == "decided") is isinstance(refused, RequestEnded), refused
        if state == "open":
            await bench.handle(await answer(bench, request, BEN, "reject"))
            assert await state_of(bench, request) == ("decided", "reject")
