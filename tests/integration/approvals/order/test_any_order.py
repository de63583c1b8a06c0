"""In whatever order answers come, again, at once and amid kills: a request is decided at most once.

Each decision follows from valid answers alone, and no valid answer is lost.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

import pytest

from postrail.approvals import ledger, store
from postrail.approvals.ledger import Event, EventKind
from postrail.approvals.request import Request, Rule, State
from postrail.database import transaction
from postrail.incoming import queue as incoming
from postrail.records import ApprovalDecided
from postrail.stream import outbox
from postrail.webhooks import queue as webhooks
from tests.integration.approvals.order.disorder import (
    Answer,
    answers_to,
    make_request,
    parts_of,
)
from tests.integration.handler.bench import Bench

ROUNDS = 25
# Functions after which the handler is killed: within the transaction, and before its records.
KILLS = (
    (store, "lock"),
    (store, "answered"),
    (store, "close_request"),
    (store, "close_assignments"),
    (webhooks, "add"),
    (ledger, "append"),
    (incoming, "finish"),
    (outbox, "add"),
)
# Why a valid answer may come to nothing.
TOO_LATE = {"second", "repeated", "decided", "not_asked"}


class Killed(BaseException):
    """Stands for `kill -9`: PostgreSQL rolls the transaction back."""


@pytest.mark.parametrize("seed", range(4))
async def test_a_request_is_decided_at_most_once_and_by_valid_answers(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    random = Random(seed)
    ends: Counter[tuple[Rule, State]] = Counter()
    kills = 0
    for number in range(ROUNDS):
        request = await make_request(bench, random)
        answers: list[Answer] = []
        # By turns, as those who come later are asked later.
        for _ in range(random.randint(1, 3)):
            more = answers_to(request, await parts_of(bench, request), bench.key, random)
            kills += await deliver(bench, more, random, monkeypatch)
            answers += more
        ends[await require_valid(bench, request, answers, f"seed {seed}, round {number}")] += 1
    async with transaction(bench.pool) as connection:
        assert await ledger.verify(connection) == []
    assert kills > 0
    # Not all may have ended the same way, else this would show nothing.
    assert {state for _, state in ends} == {State.OPEN, State.DECIDED}


async def deliver(
    bench: Bench, answers: Sequence[Answer], random: Random, monkeypatch: pytest.MonkeyPatch
) -> int:
    """Lets handlers handle the answers, however they are disturbed; returns how many are killed."""
    left = [one.mail for one in answers]
    kills = 0
    while left:
        count = random.randint(1, 4)
        batch, left = left[:count], left[count:]
        await bench.take_in(*batch)
        disturbance = random.random()
        if disturbance < 0.3:
            kills += await work_until_killed(bench, *random.choice(KILLS), monkeypatch)
        elif disturbance < 0.6:
            other, _ = bench.another()
            await asyncio.gather(bench.handler.work_batch(), other.work_batch())
        await bench.work()
        if disturbance > 0.8:
            # A record that Kafka gives once more.
            await bench.handle(*batch)
    return kills


async def work_until_killed(
    bench: Bench, place: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Lets a handler work until the function has returned; tells whether it came to that."""
    victim, _ = bench.another()
    with monkeypatch.context() as patched:
        patched.setattr(place, name, killed_after(getattr(place, name)))
        try:
            await victim.work_batch()
        except Killed:
            return True
    return False


def killed_after(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def then_killed(*arguments: Any, **names: Any) -> Any:
        await function(*arguments, **names)
        raise Killed

    return then_killed


async def require_valid(
    bench: Bench, request: Request, answers: Sequence[Answer], where: str
) -> tuple[Rule, State]:
    """Checks what the ledger has of the request; returns its rule and state."""
    async with transaction(bench.pool) as connection:
        events = await ledger.events_of(connection, request.request_id)
        now = (await store.by_id(connection, [request.request_id]))[request.request_id]
    decided = [one for one in events if one.kind == EventKind.DECIDED]
    by_mail = {one.mail.mail_id: one for one in answers}
    answered = [one for one in events if one.kind == EventKind.ANSWERED]
    refused = [one for one in events if one.kind == EventKind.REFUSED]
    places = {one.assignment_id: one.place for one in await parts_of(bench, request)}

    assert all(by_mail[one.mail_id].valid for one in answered), where
    assert [one.choice for one in answered] == [by_mail[one.mail_id].choice for one in answered]
    assert [one.actor for one in answered] == [by_mail[one.mail_id].address for one in answered]
    # Each answers once.
    assert len({places[one.assignment_id or 0] for one in answered}) == len(answered), where
    wanted = outcome(request, [one.choice for one in answered], len(places))
    assert [one.choice for one in decided] == ([wanted] if wanted else []), where
    assert all(
        outcome(request, [one.choice for one in answered[:count]], len(places)) == ""
        for count in range(len(answered))
    ), where
    require_all_listed(answers, answered, refused, where)
    await require_effects(bench, request, decided, where)
    assert now.choice == wanted, where
    assert now.state == (State.DECIDED if wanted else State.OPEN), where
    return request.rule, now.state


def outcome(request: Request, choices: Sequence[str], approvers: int) -> str:
    """Returns the choice that these answers, in their order, lead to; "": it stays open."""
    approvals, rejections = choices.count("approve"), choices.count("reject")
    match request.rule:
        case Rule.ANY:
            return choices[0] if choices else ""
        case Rule.COUNT if approvals >= request.needed:
            return "approve"
        case Rule.COUNT:
            return "reject" if approvers - rejections < request.needed else ""
    if rejections:
        return "reject"
    return "approve" if approvals == approvers else ""


def require_all_listed(
    answers: Sequence[Answer], answered: Sequence[Event], refused: Sequence[Event], where: str
) -> None:
    """Checks that each message is in the ledger once, and that no valid one is refused wrongly."""
    listed = Counter(one.mail_id for one in (*answered, *refused))
    assert set(listed.values()) <= {1}, where
    valid = {one.mail.mail_id for one in answers if one.valid}
    assert valid <= set(listed), where
    wrongly = {json.loads(one.details)["why"] for one in refused if one.mail_id in valid} - TOO_LATE
    assert wrongly == set(), where


async def require_effects(
    bench: Bench, request: Request, decided: Sequence[Event], where: str
) -> None:
    """Checks that the decision, if there is one, is called back once and recorded once."""
    posts = await bench.rows(f"SELECT 1 FROM webhook_post WHERE about = '{request.key}'")
    assert len(posts) == len(decided), where
    records = [
        one.event.event_id
        for one in bench.sent(ApprovalDecided)
        if one.request_id == request.request_id
    ]
    assert records == [one.event_id for one in decided], where
