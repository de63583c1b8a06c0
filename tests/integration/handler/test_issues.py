"""Messages become issues and comments, and people are notified of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from postrail.configuration import store
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project, Status
from postrail.configuration.project_rows import PROJECT
from postrail.database import transaction
from postrail.message_parts import Address, Attachment
from postrail.records import MailHandled, OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.integration.handler.moved.acts import waits_for_a_lock
from tests.makers.records import NOON, mail_parsed, verified


async def test_a_message_becomes_an_issue_and_its_reporter_is_notified(bench: Bench) -> None:
    part = Attachment(
        name="fire.jpg",
        content_type="image/jpeg",
        size=3,
        sha256="ab",
        content_id=None,
        inline=False,
    )
    mail = mail_parsed(attachments=[part])
    await bench.handle(mail)
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]
    assert await bench.rows("SELECT summary, description, reporter_address FROM issue") == [
        ("Printer on fire", "It burns.", "ada@example.org")
    ]
    assert await bench.rows("SELECT issue_key, name, sha256 FROM attachment") == [
        ("HELP-1", "fire.jpg", "ab")
    ]
    (queued,) = bench.sent(OutgoingQueued)
    assert [one.recipient for one in queued.deliveries] == ["ada@example.org"]
    assert "HELP-1" in queued.text
    assert queued.in_reply_to == mail.message_id
    (handled,) = bench.sent(MailHandled)
    assert (handled.outcome, handled.issue_key, handled.revision) == ("issue", "HELP-1", 1)
    assert await bench.rows("SELECT 1 FROM outbox") == []


async def test_an_answer_to_our_notification_becomes_a_comment_and_watchers_are_notified(
    bench: Bench,
) -> None:
    await bench.handle(mail_parsed())
    (first,) = bench.sent(OutgoingQueued)
    agent = Address(name="Agent", address="agent@example.com")
    answered = [first.deliveries[0].message_id]
    answer = mail_parsed(subject="Re: x", in_reply_to=answered, sender=agent, text="Water!")
    await bench.handle(verified(answer))
    assert (await bench.outcomes())[1] == ("done", "comment", "HELP-1")
    assert await bench.rows("SELECT author_address, body FROM comment") == [
        ("agent@example.com", "Water!")
    ]
    (_, told) = bench.sent(OutgoingQueued)
    assert [one.recipient for one in told.deliveries] == ["ada@example.org"]
    assert told.conversation == first.conversation


async def test_automatic_mail_never_causes_an_answer(bench: Bench) -> None:
    first = mail_parsed()
    await bench.handle(first)
    sent = len(bench.sent(OutgoingQueued))
    agent = Address(name="", address="agent@example.com")
    for kind in ("auto_reply", "auto_generated", "bulk", "bounce"):
        await bench.handle(mail_parsed(kind=kind, sender=agent))
        await bench.handle(
            mail_parsed(kind=kind, in_reply_to=[str(first.message_id)], sender=agent)
        )
    assert len(bench.sent(OutgoingQueued)) == sent
    assert await bench.rows("SELECT address FROM watcher") == [("ada@example.org",)]


async def test_our_own_addresses_are_never_notified(bench: Bench) -> None:
    await bench.handle(mail_parsed(sender=Address(name="", address="Support@example.com")))
    assert bench.sent(OutgoingQueued) == []


async def test_a_message_without_subject_text_and_message_id_is_an_issue(bench: Bench) -> None:
    await bench.handle(mail_parsed(subject="", text="", message_id=None, sender=None))
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]
    assert await bench.rows("SELECT summary FROM issue") == [("(no subject)",)]


@pytest.mark.parametrize(
    ("changes", "active", "assignee"),
    [
        ({}, True, None),
        ({"default_assignee": "agent@example.com"}, True, "agent@example.com"),
        ({"default_assignee": "lead", "lead": "agent@example.com"}, True, "agent@example.com"),
        # Its settings were made when the person was active.
        ({"default_assignee": "agent@example.com"}, False, None),
        ({"default_assignee": "nobody@example.com"}, True, None),
    ],
)
async def test_a_new_issue_begins_as_its_project_says(
    bench: Bench, changes: dict[str, Any], active: bool, assignee: str | None
) -> None:
    project = Project(
        key="HELP",
        name="Help desk",
        issue_types=["Request", "Incident"],
        default_issue_type="Incident",
        statuses=[Status(name="New", category="to do"), Status(name="Closed", category="done")],
        **changes,
    )
    await bench.save(project, Person(address="agent@example.com", active=active))
    await bench.handle(mail_parsed())
    assert await bench.rows("SELECT issue_type, status, assignee, priority FROM issue") == [
        ("Incident", "New", assignee, 3)
    ]


async def test_a_shared_mailbox_receives_for_projects_with_addresses_of_their_own(
    bench: Bench,
) -> None:
    await bench.save(Project(key="SHOP", name="Shop", address="shop@example.com"))
    customer, shop = Address(name="", address="ada@example.org"), "Shop@example.com"
    to_shop = [Address(name="", address=shop)]
    await bench.handle(mail_parsed(mailbox="support", to=to_shop, sender=customer))
    (told,) = bench.sent(OutgoingQueued)
    assert (told.reply_to, told.deliveries[0].recipient) == ("shop@example.com", "ada@example.org")
    # The answer goes to that address, and an agent answers all.
    answer = {"in_reply_to": [told.deliveries[0].message_id], "mailbox": "support"}
    await bench.handle(mail_parsed(to=to_shop, sender=customer, **answer))
    agent = Address(name="", address="agent@example.com")
    to_all = mail_parsed(to=[customer], cc=to_shop, sender=agent, **answer)
    await bench.handle(verified(to_all))
    assert [issue for _, _, issue in await bench.outcomes()] == ["SHOP-1"] * 3
    # Our own address takes part in nothing.
    assert await bench.rows("SELECT address FROM participant ORDER BY address") == [
        ("ada@example.org",),
        ("agent@example.com",),
    ]


async def test_the_default_assignee_is_notified_and_watches(bench: Bench) -> None:
    project = Project(key="HELP", name="Help desk", default_assignee="agent@example.com")
    await bench.save(project)
    await bench.handle(mail_parsed(text="It burns."))
    confirmed, assigned = bench.sent(OutgoingQueued)
    assert [one.recipient for one in confirmed.deliveries] == ["ada@example.org"]
    assert [one.recipient for one in assigned.deliveries] == ["agent@example.com"]
    assert "Ada opened HELP-1, which is assigned to you: Printer on fire" in assigned.text
    assert "It burns." in assigned.text
    assert await bench.rows("SELECT address, name FROM watcher ORDER BY address") == [
        ("ada@example.org", "Ada"),
        ("agent@example.com", "Agent"),
    ]
    # Automatic messages notify nobody, and the assignee watches all the same.
    await bench.handle(mail_parsed(kind="auto_generated"))
    assert len(bench.sent(OutgoingQueued)) == 2
    assert await bench.rows(
        "SELECT address FROM watcher JOIN issue_index USING (issue_id) WHERE issue_key = 'HELP-2'"
    ) == [("agent@example.com",)]


async def test_an_assignee_who_writes_is_confirmed_once(bench: Bench) -> None:
    project = Project(key="HELP", name="Help desk", default_assignee="agent@example.com")
    await bench.save(project)
    await bench.handle(mail_parsed(sender=Address(name="Agent", address="agent@example.com")))
    (confirmed,) = bench.sent(OutgoingQueued)
    assert "We received your message" in confirmed.text


async def test_an_issue_waits_for_no_setting_that_was_removed_meanwhile(bench: Bench) -> None:
    created = bench.tracker.create_issues

    async def after_a_change(connection: Any, drafts: Any, now: Any) -> list[str]:
        bench.tracker.create_issues = created  # type: ignore[method-assign]
        await bench.save(Project(key="HELP", name="Help desk", issue_types=["Incident"]))
        return await created(connection, drafts, now)

    bench.tracker.create_issues = after_a_change  # type: ignore[method-assign]
    await bench.handle(mail_parsed())
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]
    assert await bench.rows("SELECT issue_type FROM issue") == [("Incident",)]


async def test_a_new_issue_has_the_first_status_of_a_change_beside_its_message(
    bench: Bench,
) -> None:
    async with transaction(bench.pool) as connection:
        # As `apply` does.
        await store.lock(connection, PROJECT, ["HELP"])
        before = Project(key="HELP", name="Help desk")
        after = before.model_copy(update={"statuses": list(reversed(before.statuses))})
        await store.save(connection, after, before=before, author="test", now=NOON)
        # The handler has read the project as it was.
        handling = asyncio.create_task(bench.handle(mail_parsed()))
        await waits_for_a_lock(bench)
    await handling
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]
    assert await bench.rows("SELECT status FROM issue") == [("Done",)]
