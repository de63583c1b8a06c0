"""Those are told of an event whom the project or context names, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.load import load_snapshot
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.database import transaction
from postrail.effects.audiences.sizes import most_named
from postrail.effects.notify import Announcement, NotificationOptions, notify
from postrail.message_parts import Address
from postrail.notifications.events import COMMENTED, assignment_to
from postrail.operate.issues.act import Actor
from postrail.operate.issues.assign import assign
from postrail.operate.issues.comment import comment
from postrail.operate.issues.create import create
from postrail.operate.issues.merge import merge
from postrail.operate.issues.watch import watch
from postrail.records import OutgoingQueued
from postrail.tracker.issues import Watcher
from postrail.tracker.taking_part import participants_of
from tests.integration.handler.bench import Bench
from tests.makers.records import NOON, mail_parsed, verified

ADA = "ada@example.org"
AGENT = Address(name="Agent", address="agent@example.com")
CY = Address(name="Cy", address="cy@example.org")
PEOPLE = (
    Person(address="bo@example.org", name="Bo", groups=["desk"]),
    Person(address="di@example.org", name="Di", groups=["desk"], active=False),
    Person(address="eve@example.net", name="Eve"),
)


async def configure(bench: Bench, rules: dict[str, list[str]], **changes: Any) -> None:
    project = Project.model_validate(
        {"key": "HELP", "name": "Help desk", "outsiders": ["eve@example.net"], **changes}
    )
    await bench.save(*PEOPLE, project, MessageContext(name="all", recipients=rules))


def told(bench: Bench) -> list[tuple[str, list[str]]]:
    """Returns the events of all messages, each with its recipients."""
    found = bench.sent(OutgoingQueued)
    return [(one.event, [to.recipient for to in one.deliveries]) for one in found]


async def test_a_new_issue_is_told_to_others_in_their_words(bench: Bench) -> None:
    await configure(bench, {"opened": ["group:desk", ADA, "boss@example.net", "desk@example.com"]})
    await bench.handle(verified(mail_parsed(subject="A fire", text="It burns.")))
    # Not to its author, to an inactive person, and to an address of ours.
    assert told(bench) == [
        ("created", [ADA]),
        ("opened", ["bo@example.org", "boss@example.net"]),
    ]
    text = bench.sent(OutgoingQueued)[-1].text
    assert "Ada opened HELP-1" in text
    assert "It burns." in text
    assert "because Help desk is set up to tell you" in text


async def test_an_issue_of_an_automatic_message_is_told_to_those_whom_the_rule_names(
    bench: Bench,
) -> None:
    rule = ["group:desk", "reporter", "participants", "boss@example.net"]
    await configure(bench, {"opened": rule, "created": ["reporter"]})
    alarm = mail_parsed(subject="A fire", kind="auto-submitted", cc=[CY])
    await bench.handle(verified(alarm))
    assert told(bench) == [("opened", ["bo@example.org", "boss@example.net"])]


@pytest.mark.parametrize("rule", ["reporter", "participants"])
async def test_no_rule_tells_robots_of_what_others_write(bench: Bench, rule: str) -> None:
    await configure(bench, {"commented": [rule]})
    await bench.handle(verified(mail_parsed(subject="A fire", kind="auto-submitted")))
    assert (await comment(bench.desk, Actor(), "HELP-1", "Water!")).notified == ()
    # A person writes from the same address: it is not only that of a robot.
    await bench.handle(verified(mail_parsed(subject="Re: HELP-1", text="I am here.")))
    async with transaction(bench.pool) as connection:
        assert not (await participants_of(connection, 1))[ADA]
    assert ADA in (await comment(bench.desk, Actor(), "HELP-1", "More water!")).notified


async def test_nobody_may_be_told(bench: Bench) -> None:
    await configure(bench, {"created": [], "commented": []})
    await bench.handle(verified(mail_parsed(subject="A fire")))
    await bench.handle(mail_parsed(subject="Another fire"))
    await bench.handle(verified(mail_parsed(subject="Re: HELP-1", sender=AGENT, text="Water!")))
    assert told(bench) == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (["watchers"], {"": [ADA]}),
        (["reporter", "group:desk"], {"": [ADA], "told": ["bo@example.org"]}),
        # Cy was in Cc, and is no known person.
        (["participants"], {"": [ADA], "told": ["cy@example.org"]}),
        (["assignee", "eve@example.net"], {"told": ["bo@example.org", "eve@example.net"]}),
    ],
)
async def test_a_comment(bench: Bench, rule: list[str], expected: dict[str, list[str]]) -> None:
    await configure(bench, {"commented": rule})
    await bench.handle(verified(mail_parsed(subject="A fire", cc=[CY])))
    if "assignee" in rule:
        await assign(bench.desk, Actor(), "HELP-1", "bo@example.org")
        await bench.rows("DELETE FROM watcher WHERE address = 'bo@example.org' RETURNING 1")
    before = len(bench.sent(OutgoingQueued))
    await bench.handle(verified(mail_parsed(subject="Re: HELP-1", sender=AGENT, text="Water!")))
    found = {
        "told" if "set up to tell you" in one.text else "": [to.recipient for to in one.deliveries]
        for one in bench.sent(OutgoingQueued)[before:]
    }
    assert found == expected


@pytest.mark.parametrize(
    ("rule", "reached"),
    [
        (["reporter", "watchers"], []),
        (["participants"], []),
        # by name, as the operator says
        (["reporter", ADA], [ADA]),
    ],
)
async def test_who_has_left_is_told_by_name_only(
    bench: Bench, rule: list[str], reached: list[str]
) -> None:
    await configure(bench, {"commented": rule})
    await bench.save(Person(address="ada.new@example.org", name="Ada", addresses=[ADA]))
    reached = [one.replace(ADA, "ada.new@example.org") for one in reached]
    await bench.handle(verified(mail_parsed(subject="A fire")))
    await bench.handle(verified(mail_parsed(subject="The same fire")))
    await watch(bench.desk, Actor(), "HELP-1", watcher=ADA, watching=False)
    assert list((await comment(bench.desk, Actor(), "HELP-1", "Water!")).notified) == reached
    # Also after a merge, until Ada comes back.
    await watch(bench.desk, Actor(), "HELP-2", watcher=ADA, watching=False)
    await merge(bench.desk, Actor(), "HELP-1", "HELP-2")
    assert list((await comment(bench.desk, Actor(), "HELP-2", "Sand!")).notified) == reached
    await watch(bench.desk, Actor(), "HELP-2", watcher=ADA)
    back = await comment(bench.desk, Actor(), "HELP-2", "Foam!")
    assert list(back.notified) == ["ada.new@example.org"]


async def test_an_internal_comment_is_told_to_insiders_only(bench: Bench) -> None:
    rule = ["watchers", "participants", "group:desk", "eve@example.net", "boss@example.net"]
    await configure(bench, {"internally_commented": rule})
    await bench.handle(verified(mail_parsed(subject="A fire", cc=[CY])))
    made = await comment(bench.desk, Actor(), "HELP-1", "Psst.", internal=True)
    assert sorted(made.notified) == ["bo@example.org"]


async def test_the_mentioned_are_told_all_the_same(bench: Bench) -> None:
    await configure(bench, {"commented": ["reporter"]})
    await bench.handle(verified(mail_parsed(subject="A fire")))
    made = await comment(bench.desk, Actor(), "HELP-1", "See @bo@example.org.", internal=False)
    assert sorted(made.notified) == [ADA, "bo@example.org"]


async def test_an_assignment_is_told_to_the_assignee_and_others(bench: Bench) -> None:
    await configure(bench, {"assignee_changed": ["assignee", "reporter"]})
    await bench.handle(verified(mail_parsed(subject="A fire")))
    made = await assign(bench.desk, Actor(), "HELP-1", "bo@example.org")
    # Nobody twice.
    assert made.notified == ("bo@example.org", ADA)


async def test_who_is_told_of_a_comment_is_told_of_an_assignment_in_the_same_batch(
    bench: Bench,
) -> None:
    await configure(bench, {"assignee_changed": ["reporter"]})
    await bench.handle(verified(mail_parsed(subject="A fire")))
    async with transaction(bench.pool) as connection:
        options = NotificationOptions(
            snapshot=await load_snapshot(connection),
            message_id_key=b"key",
            excerpt_max_characters=1000,
        )
        events = [(AGENT, COMMENTED), (CY, assignment_to("Bo"))]
        made = await notify(
            connection,
            [
                Announcement(
                    issue_id=1,
                    event=event,
                    cause=f"mail {number} revision 1",
                    author=Watcher(address=author.address, name=author.name),
                    body="It grows.",
                    mail=verified(mail_parsed(sender=author)),
                )
                for number, (author, event) in enumerate(events)
            ],
            options,
            NOON,
        )
    told_of = [(one.event, [to.recipient for to in one.deliveries]) for one in made]
    assert told_of == [("commented", [ADA]), ("assignee_changed", [ADA])]


async def test_an_issue_made_by_hand_is_told_to_others(bench: Bench) -> None:
    await configure(bench, {}, recipients={"opened": ["group:desk"]})
    values = {"summary": "A fire", "reporter": "eve@example.net"}
    made = await create(bench.desk, Actor(), "HELP", values)
    assert made.notified == ("eve@example.net", "bo@example.org")
    made = await create(bench.desk, Actor(), "HELP", {**values, "assignee": "bo@example.org"})
    assert made.notified == ("eve@example.net", "bo@example.org")


async def test_those_whom_rules_name_are_counted_before(bench: Bench) -> None:
    rules = {"commented": ["group:desk", "watchers"], "opened": [ADA]}
    await configure(bench, {"opened": ["boss@example.net"]}, recipients=rules)
    async with transaction(bench.pool) as connection:
        named = await most_named(connection, await load_snapshot(connection))
    assert named["HELP"] == 2
