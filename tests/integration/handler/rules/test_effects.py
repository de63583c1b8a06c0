"""What mail handlers decide, in the tables of a real database."""

from __future__ import annotations

from typing import Any

from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.project import CustomField, Project
from postrail.message_parts import Address, Attachment, HeaderField
from postrail.operate.issues.transition import transition
from tests.integration.handler.bench import Bench
from tests.makers.acts import OPERATOR
from tests.makers.records import mail_parsed, verified

AGENT = Address(name="Agent", address="agent@example.com")
STRANGER = Address(name="Stranger", address="stranger@elsewhere.example")


async def configured(bench: Bench, **values: Any) -> None:
    project = Project(
        key="HELP",
        name="Help desk",
        components=["Door"],
        fields=[CustomField(name="Room", kind="number"), CustomField(name="Site", kind="text")],
    )
    handler = MailHandler.model_validate({"name": "desk", "accounts": ["support"]} | values)
    await bench.save(project, handler)


async def test_a_new_issue_has_the_fields_of_the_handler(bench: Bench) -> None:
    await configured(
        bench,
        issue_type="1",
        priority="High",
        labels=["vip"],
        components=["door"],
        assignee="agent@example.com",
        fields={
            "Room": {"from": "header X-Room", "pattern": r"\d+"},
            "Site": "Berlin",
            "Floor": "3",
        },
        then=[{"watchers": ["lead@example.com"]}],
    )
    headers = [HeaderField(name="X-Room", value="Room 321")]
    await bench.handle(mail_parsed(headers=headers))
    assert await bench.rows(
        "SELECT issue_type, priority, labels, components, assignee FROM issue"
    ) == [("Bug", 2, ["vip"], ["Door"], "agent@example.com")]
    assert await bench.rows(
        "SELECT field, coalesce(text_value, number_value::text) FROM custom_value ORDER BY field"
    ) == [("Room", "321"), ("Site", "Berlin")]
    ((description,),) = await bench.rows("SELECT description FROM issue")
    assert description.startswith("It burns.\n\nFloor is not set: project HELP has no field")
    watching = await bench.rows("SELECT address FROM watcher ORDER BY address")
    assert watching == [("ada@example.org",), ("agent@example.com",), ("lead@example.com",)]


async def test_a_value_that_does_not_fit_stops_no_message(bench: Bench) -> None:
    await configured(bench, fields={"Room": "the cellar"}, assignee="nobody@example.com")
    await bench.handle(mail_parsed())
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]
    ((description, assignee),) = await bench.rows("SELECT description, assignee FROM issue")
    assert "Room is not set: " in description
    assert "nobody@example.com is not assigned" in description
    assert assignee is None


async def test_an_unknown_sender_becomes_a_person(bench: Bench) -> None:
    await configured(bench, create_users=True)
    await bench.handle(mail_parsed(sender=STRANGER), mail_parsed(sender=AGENT))
    assert await bench.rows("SELECT address, name, origin FROM person WHERE origin = 'mail'") == [
        ("stranger@elsewhere.example", "Stranger", "mail")
    ]


async def test_a_reporter_stands_in_for_an_unknown_sender(bench: Bench) -> None:
    await configured(bench, reporter="agent@example.com")
    first = mail_parsed(sender=STRANGER)
    answer = mail_parsed(sender=STRANGER, in_reply_to=[first.message_id], text="And smokes.")
    await bench.handle(first, answer)
    assert await bench.rows("SELECT reporter_address, description FROM issue") == [
        ("agent@example.com", f"It burns.\n\nFrom: {STRANGER.address}")
    ]
    assert await bench.rows("SELECT author_address, body FROM comment") == [
        ("agent@example.com", f"And smokes.\n\nFrom: {STRANGER.address}")
    ]


async def test_a_comment_opens_a_done_issue_again(bench: Bench) -> None:
    await configured(bench, closed_issues="reopen")
    first = mail_parsed()
    await bench.handle(first)
    await transition(bench.desk, OPERATOR, "HELP-1", "Done")
    # Whoever only claims to be its reporter comments, and changes no state.
    await bench.handle(mail_parsed(in_reply_to=[first.message_id]))
    assert await bench.rows("SELECT status FROM issue") == [("Done",)]
    answer = verified(mail_parsed(in_reply_to=[first.message_id]))
    await bench.handle(answer)
    assert await bench.rows("SELECT status, resolution, resolved_at FROM issue") == [
        ("Open", None, None)
    ]
    changes = await bench.rows(
        "SELECT field, before, after, channel, mail_id::text FROM issue_change"
        " WHERE channel = 'mail' ORDER BY field"
    )
    assert changes == [
        ("resolution", "Done", None, "mail", answer.mail_id),
        ("status", "Done", "Open", "mail", answer.mail_id),
    ]


async def test_a_comment_on_a_done_issue_makes_a_linked_one(bench: Bench) -> None:
    await configured(bench, closed_issues="new_issue")
    first = mail_parsed()
    await bench.handle(first)
    await transition(bench.desk, OPERATOR, "HELP-1", "Done")
    await bench.handle(mail_parsed(in_reply_to=[first.message_id]))
    assert [outcome for _, outcome, _ in await bench.outcomes()] == ["issue", "issue"]
    assert await bench.rows("SELECT issue_key, linked_key FROM issue_link") == [
        ("HELP-2", "HELP-1")
    ]


async def test_a_message_is_held_or_ignored_without_effect(bench: Bench) -> None:
    await configured(bench, then=[{"quarantine": "a person looks at it"}])
    await bench.handle(mail_parsed())
    await configured(bench, then=[{"drop": "nobody wants it"}])
    await bench.handle(mail_parsed())
    assert await bench.outcomes() == [
        ("quarantined", "quarantined", None),
        ("done", "ignored", None),
    ]
    assert await bench.rows("SELECT reason FROM incoming_mail ORDER BY arrival") == [
        ("handler desk: a person looks at it",),
        ("handler desk: nobody wants it",),
    ]
    assert await bench.rows("SELECT 1 FROM issue") == []


async def test_a_comment_ends_before_a_pattern(bench: Bench) -> None:
    await configured(bench, kind="comment_before_pattern", pattern=r"(?m)^-- cut --$")
    first = mail_parsed(mailbox="info")
    await bench.handle(first)
    text = "Still burning.\n-- cut --\nnot this"
    await bench.handle(mail_parsed(in_reply_to=[first.message_id], text=text))
    assert await bench.rows("SELECT body FROM comment") == [("Still burning.",)]


async def test_attachments_that_are_not_taken_are_named(bench: Bench) -> None:
    await configured(bench, attachments={"refused_names": [r"\.exe$"]})
    files = [
        Attachment(
            name=name, content_type="a/b", size=1, sha256=name, content_id=None, inline=False
        )
        for name in ("a.pdf", "b.exe")
    ]
    await bench.handle(mail_parsed(attachments=files))
    assert await bench.rows("SELECT name FROM attachment") == [("a.pdf",)]
    ((description,),) = await bench.rows("SELECT description FROM issue")
    assert description == "It burns.\n\nAttachment left out: b.exe (name)"
