"""Field commands change issues by the rights and rules of acts, with their history."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.project import CustomField, Project, Status
from postrail.message_parts import Address
from postrail.records import OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.makers.records import AUTHSERV_ID, mail_parsed, verified

ADA = Address(name="Ada", address="ada@example.org")
AGENT = Address(name="Agent", address="agent@example.com")
FIELDS = ["status", "priority", "type", "assignee", "labels", "components", "due", "Room"]
PROJECT = Project(
    key="HELP",
    name="Help desk",
    components=["Door", "Roof"],
    fields=[CustomField(name="Room", kind="number")],
    statuses=[
        Status(name="Open", category="to do"),
        Status(name="Doing", category="in progress"),
        Status(name="Signed", category="done", needs_approval=True),
        Status(name="Done", category="done"),
    ],
)


async def allow(bench: Bench, *fields: str, project: Project = PROJECT) -> None:
    await bench.save(project, MailHandler(name="all", field_commands=list(fields or FIELDS)))


async def commanded(bench: Bench, text: str, sender: Address = AGENT) -> str:
    """Lets somebody answer on HELP-1; returns the comment."""
    mail = mail_parsed(sender=sender, subject="HELP-1", text=text)
    await bench.handle(verified(mail))
    (body,) = (await bench.rows("SELECT body FROM comment ORDER BY comment_id"))[-1]
    return str(body)


async def changes(bench: Bench) -> list[tuple[Any, ...]]:
    return await bench.rows("SELECT act, field, before, after FROM issue_change ORDER BY change_id")


@pytest.mark.parametrize(
    ("command", "change"),
    [
        ("#priority high", ("edit", "priority", 3, 2)),
        ("Priority: 1", ("edit", "priority", 3, 1)),
        ("Type: bug", ("edit", "type", "Task", "Bug")),
        ("Status: doing", ("transition", "status", "Open", "Doing")),
        ("#assignee AGENT@example.com", ("assign", "assignee", None, "agent@example.com")),
        ("Labels: lamp,roof", ("edit", "labels", [], ["lamp", "roof"])),
        ("Components: roof, door", ("edit", "components", [], ["Door", "Roof"])),
        ("Due: 2026-12-24", ("edit", "due", None, "2026-12-24")),
        ("#room 12", ("edit", "field:Room", None, 12)),
    ],
)
async def test_each_field(bench: Bench, command: str, change: tuple[Any, ...]) -> None:
    await allow(bench)
    await bench.handle(mail_parsed(sender=ADA))
    assert await commanded(bench, f"{command}\n\nThe lamp is new.") == "The lamp is new."
    found = await changes(bench)
    default = (await bench.rows("SELECT issue_type FROM issue"))[0][0]
    assert found == [change] or (change[1] == "type" and found[0][3] == default == "Bug")
    assert await bench.rows("SELECT DISTINCT actor_address, channel FROM issue_change") == [
        ("agent@example.com", "mail")
    ]
    ((reason,),) = await bench.rows("SELECT reason FROM incoming_mail WHERE comment_id IS NOT NULL")
    assert "field commands found: " in reason


async def test_a_large_text_has_commands_at_its_top(bench: Bench) -> None:
    await allow(bench)
    await bench.handle(mail_parsed(sender=ADA))
    more = "The lamp is new.\n" * 20_000
    head = f"From: agent@example.com\nSubject: HELP-1\nAuthentication-Results: {AUTHSERV_ID};"
    await bench.arrive(f"{head} dmarc=pass\n\n#priority high\n{more}".encode())
    assert await changes(bench) == [("edit", "priority", 3, 2)]
    ((body, blob),) = await bench.rows("SELECT body, body_blob FROM comment")
    assert (body, (await bench.blobs.get(blob)).decode()) == ("", more.strip())


async def test_a_done_issue_has_its_resolution_and_tells_its_people(bench: Bench) -> None:
    await allow(bench)
    await bench.handle(mail_parsed(sender=ADA))
    await commanded(bench, "Status: Done\nIt is mended.")
    assert await bench.rows("SELECT status, resolution, resolved_at IS NULL FROM issue") == [
        ("Done", "Done", False)
    ]
    told = [mail.text for mail in bench.sent(OutgoingQueued)]
    assert any("Agent set HELP-1 to Done:" in text for text in told)
    # "none" clears a field, and each command counts after those before it.
    await commanded(bench, "Status: Doing\nStatus: Open\nAssignee: none\nAgain.")
    assert await bench.rows("SELECT status, resolution, assignee FROM issue") == [
        ("Open", None, None)
    ]


async def test_a_new_assignee_watches_and_is_told(bench: Bench) -> None:
    await allow(bench)
    await bench.handle(mail_parsed(sender=ADA))
    await bench.rows(
        "WITH made AS (INSERT INTO person (address) VALUES ('bo@example.com')"
        " RETURNING address, person_id) INSERT INTO person_address SELECT * FROM made RETURNING 1"
    )
    await commanded(bench, "Assignee: bo@example.com\nFor you.")
    told = [mail for mail in bench.sent(OutgoingQueued) if "to you" in mail.text]
    assert [one.recipient for mail in told for one in mail.deliveries] == ["bo@example.com"]
    assert ("bo@example.com",) in await bench.rows("SELECT address FROM watcher")


@pytest.mark.parametrize(
    ("command", "note"),
    [
        ("#priority urgent", "priority: urgent is not set: there is no priority 'urgent'"),
        ("Status: gone", "status: gone is not set: project HELP has no status 'gone'"),
        ("Status: Signed", "may not approve by mail"),
        ("Assignee: nobody@example.org", "assignee: nobody@example.org is not set: assignee"),
        ("Room: twelve", "Room: twelve is not set: Room is a number"),
        ("Type: none", "type: none is not set: type may not be empty"),
    ],
)
async def test_what_is_refused_is_noted(bench: Bench, command: str, note: str) -> None:
    await allow(bench)
    await bench.handle(mail_parsed(sender=ADA))
    comment = await commanded(bench, f"{command}\nLabels: kept\nThe lamp is new.")
    assert comment.startswith("The lamp is new.\n\n")
    assert note in comment
    # The others are obeyed.
    assert await changes(bench) == [("edit", "labels", [], ["kept"])]


async def test_transitions_follow_the_project(bench: Bench) -> None:
    statuses = [
        Status(name="Open", category="to do", next_statuses=["Doing"]),
        *PROJECT.statuses[1:],
    ]
    await allow(bench, project=PROJECT.model_copy(update={"statuses": statuses}))
    await bench.handle(mail_parsed(sender=ADA))
    comment = await commanded(bench, "Status: Done\nReady.")
    assert "'Done' may not follow 'Open' in project HELP. Use one of: Doing" in comment
    assert await changes(bench) == []


async def test_commands_of_others_are_text(bench: Bench) -> None:
    await allow(bench)
    await bench.handle(mail_parsed(sender=ADA))
    text = "#priority high\nThe lamp is new."
    assert await commanded(bench, text, sender=ADA) == text
    assert await changes(bench) == []
    assert await bench.rows("SELECT priority FROM issue") == [(3,)]


async def test_a_new_issue_takes_them_too(bench: Bench) -> None:
    await allow(bench)
    text = "#priority high\nStatus: doing\nRoom: x\nBroken lamp."
    await bench.handle(verified(mail_parsed(sender=AGENT, text=text)))
    ((priority, status, description),) = await bench.rows(
        "SELECT priority, status, description FROM issue"
    )
    assert (priority, status) == (2, "Doing")
    assert description.startswith("Broken lamp.\n\nRoom: x is not set: Room is a number")
    assert {one[1] for one in await changes(bench)} == {"priority", "status"}


async def test_a_field_that_is_not_allowed_is_text(bench: Bench) -> None:
    await allow(bench, "priority")
    await bench.handle(mail_parsed(sender=ADA))
    text = "Status: Done\n#priority high"
    assert await commanded(bench, text) == text


async def test_several_messages_of_one_batch_follow_each_other(bench: Bench) -> None:
    await allow(bench)
    await bench.handle(mail_parsed(sender=ADA))
    mails = [
        verified(mail_parsed(sender=AGENT, subject="HELP-1", text=f"Status: {name}\n{name}."))
        for name in ("Doing", "Done")
    ]
    await bench.handle(*mails)
    moved = [one for one in await changes(bench) if one[1] == "status"]
    assert [one[2:] for one in moved] == [("Open", "Doing"), ("Doing", "Done")]


@pytest.mark.parametrize(("command", "status"), [("done", "Done"), ("doing", "Doing")])
async def test_a_command_decides_about_the_status_of_an_issue_that_is_reopened(
    bench: Bench, command: str, status: str
) -> None:
    handler = MailHandler(name="all", field_commands=FIELDS, closed_issues="reopen")
    await bench.save(PROJECT, handler)
    await bench.handle(mail_parsed(sender=ADA))
    await commanded(bench, "Status: done\n\nIt works.")
    await commanded(bench, f"Status: {command}\n\nI looked again.")
    assert await bench.rows("SELECT status FROM issue") == [(status,)]
