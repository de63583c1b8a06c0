"""Moves and merges that commit while a batch is gathered, decided and applied."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from postrail.message_parts import Address
from postrail.operate.issues.act import Desk
from postrail.operate.issues.merge import merge
from postrail.operate.issues.move import move
from postrail.records import MailParsed
from tests.integration.handler.bench import Bench
from tests.integration.handler.moved.acts import (
    before_its_commit,
    waits_for_a_lock,
)
from tests.makers.acts import OPERATOR
from tests.makers.records import mail_parsed

BO = Address(name="Bo", address="bo@example.org")
MALLORY = Address(name="", address="mallory@example.net")

Act = Callable[[Desk], Coroutine[Any, Any, object]]
# The act on HELP-1 beside HELP-2, and what HELP-1 is afterwards.
ACTS: dict[str, tuple[Act, str]] = {
    "moved": (lambda desk: move(desk, OPERATOR, "HELP-1", "SALE"), "SALE-1"),
    "merged": (lambda desk: merge(desk, OPERATOR, "HELP-1", "HELP-2"), "HELP-2"),
    "merged across projects": (lambda desk: merge(desk, OPERATOR, "HELP-1", "SALE-1"), "SALE-1"),
    "merged into the earlier one": (
        lambda desk: merge(desk, OPERATOR, "HELP-2", "HELP-1"),
        "HELP-1",
    ),
}


async def issues_made(bench: Bench, act: str) -> MailParsed:
    """Makes HELP-1 and HELP-2, and SALE-1 if needed; returns the message of HELP-1."""
    first = mail_parsed()
    await bench.handle(first, mail_parsed(subject="second", fingerprint="2"))
    if act == "merged across projects":
        await bench.handle(mail_parsed(mailbox="sales", subject="third", fingerprint="3"))
    return first


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("proof", ["conversation", "key", "strange key"])
async def test_a_batch_that_waited_for_an_act_works_with_what_it_left(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, act: str, proof: str
) -> None:
    first = await issues_made(bench, act)
    do, present = ACTS[act]
    mail = {
        "conversation": mail_parsed(in_reply_to=[str(first.message_id)], subject="no key"),
        "key": mail_parsed(subject="[HELP-1]"),
        "strange key": mail_parsed(subject="[HELP-1]", sender=MALLORY),
    }[proof]
    await bench.take_in(mail)
    async with before_its_commit(monkeypatch, do(bench.desk)):
        working = asyncio.create_task(bench.work())
        await waits_for_a_lock(bench)
    await working
    state, outcome, key = (await bench.outcomes())[-1]
    if proof == "strange key":
        assert (state, outcome, key) == ("done", "issue", "HELP-3")
        links = await bench.rows("SELECT issue_key, linked_key FROM issue_link")
        assert links == [("HELP-3", present)]
    else:
        assert (state, outcome, key) == ("done", "comment", present)
    assert await on_records(bench) == []


@pytest.mark.parametrize("act", ACTS)
async def test_an_act_that_waited_for_a_batch_takes_its_comment_along(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    first = await issues_made(bench, act)
    do, present = ACTS[act]
    decided, go_on = asyncio.Event(), asyncio.Event()
    add_comments = bench.tracker.add_comments

    async def slow(*arguments: Any) -> list[int]:
        decided.set()
        await go_on.wait()
        return await add_comments(*arguments)

    monkeypatch.setattr(bench.tracker, "add_comments", slow)
    await bench.take_in(mail_parsed(in_reply_to=[str(first.message_id)], text="In between."))
    working = asyncio.create_task(bench.work())
    async with asyncio.timeout(20):
        await decided.wait()
        doing = asyncio.create_task(do(bench.desk))
        await waits_for_a_lock(bench)
        go_on.set()
        await asyncio.gather(working, doing)
    found = await bench.rows("SELECT issue_key FROM comment WHERE body = 'In between.'")
    assert found == [(present,)]
    assert (await bench.outcomes())[-1] == ("done", "comment", "HELP-1")
    assert await on_records(bench) == []


async def test_a_batch_holds_no_merged_record_while_it_waits_for_its_successor(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HELP-2 becomes HELP-1 while a batch waits for HELP-2, and HELP-1 is merged after that."""
    await bench.handle(mail_parsed(), mail_parsed(subject="second", fingerprint="2"))
    await bench.handle(mail_parsed(subject="third", fingerprint="3"))
    await bench.take_in(mail_parsed(subject="HELP-2"))
    desk = bench.desk
    async with before_its_commit(monkeypatch, merge(desk, OPERATOR, "HELP-2", "HELP-1")):
        working = asyncio.create_task(bench.work())
        await waits_for_a_lock(bench)
        next_merge = asyncio.create_task(merge(desk, OPERATOR, "HELP-1", "HELP-3"))
    async with asyncio.timeout(20):
        await asyncio.gather(working, next_merge)
    found = await bench.rows("SELECT DISTINCT issue_key FROM comment")
    assert found == [("HELP-3",)]


@pytest.mark.parametrize("seed", range(2))
async def test_replicas_beside_moves_and_merges_lose_nothing(bench: Bench, seed: int) -> None:
    """Two handlers comment on issues and make new ones, while these are moved and merged."""
    mails = [mail_parsed(fingerprint=f"{seed} {n}", subject=f"{n}") for n in range(12)]
    await bench.handle(*mails)
    answers = [
        mail_parsed(
            in_reply_to=[str(mails[n % 12].message_id)],
            subject="no key" if n % 3 else f"HELP-{1 + (n + 5) % 12}",
            mailbox="sales" if n % 4 == 0 else "support",
            text=f"answer {n}",
        )
        for n in range(120)
    ]
    new = [mail_parsed(subject=f"new {n}", mailbox="sales" if n % 2 else "info") for n in range(40)]
    await bench.take_in(*answers, *new)
    acting = asyncio.create_task(moves_and_merges(bench, seed))

    async def work(one: Any) -> None:
        while await bench.rows("SELECT 1 FROM incoming_mail WHERE state IN ('new', 'waiting')"):
            await one.work_batch()

    async with asyncio.timeout(90):
        await asyncio.gather(acting, work(bench.handler), work(bench.another()[0]))
    outcomes = await bench.rows("SELECT state, outcome, count(*) FROM incoming_mail GROUP BY 1, 2")
    assert {state for state, _, _ in outcomes} == {"done"}
    bodies = await bench.rows("SELECT body FROM comment WHERE body LIKE 'answer%%'")
    made = {outcome: count for _, outcome, count in outcomes}
    # An answer from the other project's mailbox may be a new issue there.
    assert sum(made.values()) == len(mails) + len(answers) + len(new)
    assert len(bodies) == len({body for (body,) in bodies}) == made["comment"]
    assert await on_records(bench) == []
    for project in ("HELP", "SALE"):
        numbers = await bench.rows(
            f"SELECT right(key, -5)::int FROM (SELECT issue_key AS key FROM issue"
            f" UNION SELECT alias_key FROM issue_alias) AS known WHERE key LIKE '{project}-%%'"
            " ORDER BY 1"
        )
        assert [number for (number,) in numbers] == list(range(1, len(numbers) + 1))


async def moves_and_merges(bench: Bench, seed: int) -> None:
    desk = bench.desk
    for n in range(12):
        await move(desk, OPERATOR, f"HELP-{1 + (n * 5 + seed) % 12}", "SALE")
    for n in range(0, 12, 2):
        await merge(desk, OPERATOR, f"HELP-{n + 1}", f"HELP-{n + 2}")
    for n in range(0, 12, 4):
        await asyncio.gather(
            move(desk, OPERATOR, f"HELP-{n + 1}", "HELP"),
            merge(desk, OPERATOR, f"HELP-{n + 2}", f"HELP-{n + 4}"),
            return_exceptions=True,
        )


async def on_records(bench: Bench) -> list[Any]:
    """Returns what lies on issues that are records only."""
    return await bench.rows(
        "SELECT issue_key FROM comment JOIN issue USING (issue_key) WHERE merged_into IS NOT NULL"
        " UNION ALL SELECT issue_key FROM conversation_issue JOIN issue_index USING (issue_id)"
        "  WHERE merged_into IS NOT NULL"
        " UNION ALL SELECT issue_key FROM watcher JOIN issue_index USING (issue_id)"
        "  WHERE merged_into IS NOT NULL"
    )
