"""Tests who is told of messages that failed for good, and of servers that stay unavailable."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from postrail.configuration import store
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.courier import Answer, CourierUnavailable
from postrail.database import rows, transaction
from services.sender.alerts.faults import UNAVAILABLE_FOR
from services.sender.channels import RELOAD_SECONDS
from tests.integration.sender.bench import Behaviour, Bench, accepting, raising
from tests.integration.sender.connections.test_connections import behave, open_two
from tests.integration.sender.connections.test_rerouting import stored
from tests.processes.senders import configure, queued_mail

OPS, LEAD = "ops@example.org", "lead@example.org"
unavailable = raising(CourierUnavailable("connection refused"))


@dataclass(frozen=True)
class Told:
    """A notice: to whom, over which connection, and its words."""

    to: list[str]
    over: str
    subject: str
    text: str


async def told(bench: Bench) -> list[Told]:
    async with transaction(bench.pool) as connection:
        found = await rows(
            connection,
            "SELECT array_agg(recipient ORDER BY recipient), delivery.connection, subject, text"
            " FROM outgoing_mail JOIN delivery USING (outgoing_id) WHERE purpose = 'notice'"
            " GROUP BY outgoing_id, delivery.connection ORDER BY min(delivery.sequence)",
        )
    return [Told(*row) for row in found]


async def with_lead(bench: Bench, project: str, **changes: Any) -> None:
    """Configures a project, and the person who leads it."""
    now = bench.clock.now()
    lead = Person(address=LEAD, name="Lea")
    made = Project.model_validate({"key": project, "name": project, "lead": LEAD, **changes})
    async with transaction(bench.pool) as connection:
        for thing in (lead, made):
            await store.save(connection, thing, before=None, author="test", now=now)


async def an_issue(bench: Bench) -> int:
    """Makes SALE-1, with a message that was cancelled; returns its id."""
    await stored(bench.pool, "relay", "SALE")
    async with transaction(bench.pool) as connection:
        await connection.execute("UPDATE delivery SET state = 'cancelled'")
        ((issue_id,),) = await rows(connection, "SELECT issue_id FROM issue_index")
    return int(issue_id)


def refusing(reply: str) -> Behaviour:
    return lambda envelope, limit: [
        Answer(recipient=one, state="failed", reply=reply) for one in envelope.recipients
    ]


async def test_the_people_of_the_project_are_told_what_was_not_delivered(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await with_lead(bench, "SALE")
    mail = await stored(bench.pool, "relay", "SALE")
    await bench.channels.refresh()
    behave(bench, relay=refusing("554 5.7.1 we do not like you"))
    await bench.rounds(2)

    (notice,) = await told(bench)

    assert (notice.to, notice.over) == ([LEAD, OPS], "relay")
    assert notice.subject == "Postrail: An email about SALE-1 was not delivered"
    assert notice.text.startswith("Something needs your attention in SALE: An email about SALE-1")
    assert "It was for ann@example.org. The answer of the mail server:" in notice.text
    assert "554 5.7.1 we do not like you" in notice.text
    assert f"postrail outgoing retry {mail[:8]}" in notice.text
    # The notice is refused, too: nobody is told of that.
    await bench.rounds(3)
    assert len(await told(bench)) == 1


async def test_one_issue_has_one_notice_an_hour(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await with_lead(bench, "SALE")
    issue_id = await an_issue(bench)
    await bench.channels.refresh()
    behave(bench, relay=refusing("550 no"))
    for minutes, expected in ((0, 1), (30, 1), (31, 2)):
        bench.clock.move(minutes * 60)
        await bench.take_in(queued_mail(issue_id=issue_id, queued_at=bench.clock.now()))
        await bench.rounds(3)
        assert len(await told(bench)) == expected


@pytest.mark.parametrize("state", ["sent", "deferred"])
async def test_other_results_tell_nobody(bench: Bench, state: Any) -> None:
    await configure(bench.pool, 25)
    await with_lead(bench, "SALE")
    issue_id = await an_issue(bench)
    await bench.take_in(queued_mail(issue_id=issue_id))
    await bench.channels.refresh()
    behave(
        bench,
        relay=lambda envelope, limit: [
            Answer(recipient=one, state=state, reply="words") for one in envelope.recipients
        ],
    )
    await bench.rounds(2)

    assert await told(bench) == []


async def test_messages_about_no_issue_tell_nobody(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await bench.take_in(queued_mail())
    await bench.channels.refresh()
    behave(bench, relay=refusing("550 no"))
    await bench.rounds(2)

    assert await told(bench) == []


async def test_people_are_told_of_a_server_that_stays_unavailable(bench: Bench) -> None:
    await open_two(bench)
    await with_lead(bench, "SALE")
    await with_lead(bench, "OTHER", connection="spare")
    behave(bench, relay=unavailable)
    await bench.take_in(queued_mail())
    await bench.rounds(2)
    for _ in range(11):
        bench.clock.move(UNAVAILABLE_FOR.total_seconds() / 10)
        await bench.take_in(queued_mail())
        await bench.rounds(2)

    notices = await told(bench)

    # Over the connection that works, and only about the projects that are concerned.
    assert [(one.to, one.over) for one in notices] == [([LEAD, OPS], "spare")]
    assert notices[0].subject == "Postrail: The outgoing connection relay is unavailable"
    assert "connection refused" in notices[0].text
    assert "Its emails go over spare until the server answers." in notices[0].text
    assert "postrail connections test relay" in notices[0].text

    # It answers again: the next hour begins anew.
    behave(bench, relay=accepting)
    bench.clock.move(600)
    await bench.take_in(queued_mail())
    await bench.rounds(3)
    bench.clock.move(timedelta(hours=2).total_seconds())
    await bench.rounds(2)
    assert len(await told(bench)) == 1


async def test_nobody_can_be_told_without_another_connection(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await bench.channels.refresh()
    behave(bench, relay=unavailable)
    await bench.take_in(queued_mail())
    await bench.rounds(2)
    bench.clock.move(UNAVAILABLE_FOR.total_seconds() + RELOAD_SECONDS)
    await bench.rounds(2)

    assert await told(bench) == []
    # The webhook is told all the same, once.
    async with transaction(bench.pool) as connection:
        (body,) = [
            json.loads(row[0]) for row in await rows(connection, "SELECT body FROM webhook_post")
        ]
    assert (body["fault"], body["connection"], body["project"]) == ("unavailable", "relay", "")
    opening = "The outgoing connection relay is unavailable\n\nIt has sent nothing since"
    assert body["text"].startswith(opening)
    assert "Its emails wait." in body["text"]


async def test_an_alert_is_in_the_language_of_its_project(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await with_lead(bench, "SALE", language="de")
    issue_id = await an_issue(bench)
    await bench.take_in(queued_mail(issue_id=issue_id))
    await bench.channels.refresh()
    behave(bench, relay=refusing("550 no"))
    await bench.rounds(2)

    (notice,) = await told(bench)

    assert notice.subject == "Postrail: Eine E-Mail zu SALE-1 wurde nicht zugestellt"
    assert "Sie war für ann@example.org. Die Antwort des Mailservers:\n\n550 no" in notice.text


async def test_a_given_up_message_is_told_of_over_another_connection(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await configure(bench.pool, 26, name="spare", is_default=False)
    await with_lead(bench, "SALE")
    issue_id = await an_issue(bench)
    await bench.take_in(queued_mail(issue_id=issue_id))
    await bench.channels.refresh()
    behave(bench, relay=unavailable)
    await bench.rounds(2)
    bench.clock.move(bench.process.settings.sender.give_up_after_seconds)
    behave(bench, relay=unavailable)
    await bench.rounds(2)

    undelivered = [one for one in await told(bench) if "was not delivered" in one.subject]
    assert [(one.to, one.over) for one in undelivered] == [([LEAD, OPS], "spare")]


async def test_one_connection_has_one_notice_for_all_its_projects(bench: Bench) -> None:
    await open_two(bench)
    await with_lead(bench, "SALE")
    now = bench.clock.now()
    async with transaction(bench.pool) as connection:
        for key, lead in (("HELP", LEAD), ("SHOP", "sam@example.org")):
            person = Person(address="sam@example.org", name="Sam")
            project = Project.model_validate({"key": key, "name": key, "lead": lead})
            things = (project,) if lead == LEAD else (person, project)
            for thing in things:
                await store.save(connection, thing, before=None, author="test", now=now)
    await bench.channels.refresh()
    behave(bench, relay=unavailable)
    for _ in range(12):
        await bench.take_in(queued_mail())
        await bench.rounds(2)
        bench.clock.move(UNAVAILABLE_FOR.total_seconds() / 10)

    (notice,) = await told(bench)

    assert notice.to == [LEAD, OPS, "sam@example.org"]


async def test_nobody_is_told_of_a_server_that_was_not_tried_again(bench: Bench) -> None:
    await open_two(bench)
    await with_lead(bench, "SALE")
    behave(bench, relay=unavailable)
    await bench.take_in(queued_mail())
    await bench.rounds(3)
    # The fallback sent it; nothing probes the server, which answers again.
    behave(bench)
    for _ in range(3):
        bench.clock.move(UNAVAILABLE_FOR.total_seconds())
        await bench.rounds(2)

    assert await told(bench) == []


async def test_a_forward_that_nobody_got_is_told_of(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await configure(bench.pool, 25)
    to = "team@example.org"
    forward = queued_mail(recipients=[to], forwards=str(uuid.uuid4()), subject="Fwd: Quote")
    await bench.take_in(forward, queued_mail(recipients=[to]))
    await bench.channels.refresh()

    async def original(*_: object) -> bytes:
        return b"Subject: Quote\r\n\r\nHello\r\n"

    monkeypatch.setattr(bench.sender._attempts._originals, "read", original)
    behave(bench, relay=refusing("550 no"))
    await bench.rounds(2)

    (notice,) = await told(bench)

    # Other messages about no issue tell nobody.
    assert (notice.to, notice.over) == ([OPS], "relay")
    assert notice.subject == "Postrail: An email about “Fwd: Quote” was not delivered"
    assert f"It was for {to}. The answer of the mail server:\n\n550 no" in notice.text
    assert f"postrail outgoing retry {forward.outgoing_id[:8]}" in notice.text
