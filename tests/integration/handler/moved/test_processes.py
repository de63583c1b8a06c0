"""Two handler processes take numbers of one project while issues are moved into it and merged."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from postrail.database import open_pool
from postrail.message_parts import Address
from postrail.operate.issues.merge import merge
from postrail.operate.issues.move import move
from postrail.records import MailParsed
from postrail.stream.topics import MAIL_PARSED
from tests.makers.acts import OPERATOR, desk_at
from tests.makers.records import NOON, mail_parsed
from tests.makers.topics import feed_now
from tests.processes.pipeline import Inbox, Pipeline

ISSUES = 24
ANSWERS = 8
WAIT_SECONDS = 100.0

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def pipeline(own_folder: Path, environment: dict[str, str]) -> Iterator[Pipeline]:
    with Pipeline(own_folder, environment) as made:
        made.configure([Inbox(name="support"), Inbox(name="sales", project="SALE")])
        yield made


def from_person(number: int, mailbox: str, **fields: object) -> MailParsed:
    sender = Address(name="", address=f"p{number}@customer.test")
    return mail_parsed(**{"sender": sender, "mailbox": mailbox, **fields})


def test_nothing_is_lost_and_no_number_is_given_twice_or_left_out(pipeline: Pipeline) -> None:
    first = [
        from_person(n, "sales" if n % 2 else "support", subject=f"issue {n}")
        for n in range(2 * ISSUES)
    ]
    feed_now(pipeline.settings.kafka, MAIL_PARSED, first)
    pipeline.start(["handler"], replicas=2)
    wait_for(pipeline, done=len(first))
    answers = [
        from_person(
            n,
            mail.mailbox,
            in_reply_to=[str(mail.message_id)],
            subject="no key",
            text=f"answer {turn} to {n}",
        )
        for turn in range(ANSWERS)
        for n, mail in enumerate(first)
    ]
    new = [from_person(n, "support", subject=f"new {n}") for n in range(4 * ISSUES)]
    mixed = [mail for pair in itertools.zip_longest(answers, new) for mail in pair if mail]
    feed_now(pipeline.settings.kafka, MAIL_PARSED, mixed)
    asyncio.run(moves_and_merges(pipeline))
    wait_for(pipeline, done=len(first) + len(mixed))
    require_all_effects(pipeline, answers, new)
    logs = [replica.log for replica in pipeline.replicas["handler"]]
    assert not any(word in log for log in logs for word in ("deadlock", "working its mails one"))
    assert [replica.stop() for replica in pipeline.replicas["handler"]] == [0, 0]


def wait_for(pipeline: Pipeline, *, done: int) -> None:
    def finished() -> bool:
        states = dict(pipeline.rows("SELECT state, count(*) FROM incoming_mail GROUP BY state"))
        return states == {"done": done}

    pipeline.wait_until(finished, WAIT_SECONDS, f"{done} messages are handled")


async def moves_and_merges(pipeline: Pipeline) -> None:
    """Moves each issue of SALE to HELP, and merges each second one into another."""
    pool = await open_pool(pipeline.settings.database)
    desk = desk_at(NOON, pool)

    async def move_and_merge(number: int) -> None:
        moved = await move(desk, OPERATOR, f"SALE-{number}", "HELP")
        if number % 2:
            await merge(desk, OPERATOR, moved.issue_key, f"HELP-{number + 1}")

    for number in range(1, ISSUES, 2):
        if number == ISSUES // 2 - 1:
            pipeline.replica("handler").kill()
            pipeline.replica("handler").start()
        await asyncio.gather(move_and_merge(number), move_and_merge(number + 1))
    await pool.close()


def require_all_effects(
    pipeline: Pipeline, answers: list[MailParsed], new: list[MailParsed]
) -> None:
    bodies = pipeline.rows("SELECT body FROM comment WHERE body LIKE 'answer%%'")
    assert sorted(body for (body,) in bodies) == sorted(mail.text for mail in answers)
    on_records = "SELECT 1 FROM comment JOIN issue USING (issue_key) WHERE merged_into IS NOT NULL"
    assert pipeline.rows(on_records) == []
    # Answers of one person are in the order in which they came, also in a merged issue.
    for number in range(2 * ISSUES):
        own = pipeline.rows(
            "SELECT issue_key, body FROM comment WHERE body LIKE %s ORDER BY comment_id",
            [f"answer % to {number}"],
        )
        assert [body for _, body in own] == [f"answer {n} to {number}" for n in range(ANSWERS)]
        assert len({key for key, _ in own}) == 1
    numbers = pipeline.rows("SELECT number FROM issue WHERE project_key = 'HELP' ORDER BY number")
    count = 2 * ISSUES + len(new)
    assert [number for (number,) in numbers] == list(range(1, count + 1))
    assert pipeline.rows("SELECT 1 FROM issue WHERE project_key = 'SALE'") == []
