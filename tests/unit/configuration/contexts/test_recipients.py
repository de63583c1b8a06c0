"""Who is told of events, in a file; and which rule holds for an issue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.models.project import Project
from tests.makers.configuration import snapshot
from tests.unit.configuration.contexts.test_context_kind import FILE
from tests.unit.configuration.test_plan import faults_of, plan_of


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ("{commented: boss}", "recipients"),
        ("{commented: [boss]}", "watchers, participants, group: and a name, or an address"),
        ("{commented: ['group:none']}", "commented: nobody is in a group 'none'; groups are: desk"),
        (
            "{created: [watchers]}",
            "created is for the reporter alone, not for watchers: use opened",
        ),
        ("{assigned: [reporter]}", "not for reporter: use assignee_changed"),
        ("{digest: [watchers]}", "recipients"),
    ],
)
def test_faults_name_what_helps(rules: str, fault: str) -> None:
    assert any(fault in one for one in faults_of(f"{FILE}    recipients: {rules}\n"))
    project = f"projects: [{{key: HELP, name: Help desk, recipients: {rules}}}]\n"
    file = FILE.replace("projects:\n  - {key: HELP, name: Help desk}\n", project)
    assert any(fault in one for one in faults_of(file))


def test_roles_groups_and_addresses_may_be_named() -> None:
    rules = "{created: [], opened: ['group:Desk', Boss@Example.org], commented: [participants]}"
    plan = plan_of(f"{FILE}    recipients: {rules}\n")
    (context,) = [one.after for one in plan.changes if one.kind == "context"]
    assert isinstance(context, MessageContext)
    assert context.recipients["opened"] == ["group:desk", "boss@example.org"]


def test_the_rule_of_the_context_stands_before_that_of_the_project() -> None:
    project = Project(
        key="HELP", name="Help", recipients={"commented": ["reporter"], "opened": ["a@example.org"]}
    )
    vip = MessageContext(name="vip", recipients={"commented": [], "status_changed": ["watchers"]})
    off = MessageContext(name="off", enabled=False, recipients={"created": []})
    found = replace(snapshot(), projects={"HELP": project}, contexts=(vip, off))
    assert found.ruled_events == {"commented", "opened", "status_changed"}
    assert found.recipients_of("commented", "HELP", vip) == []
    assert found.recipients_of("commented", "HELP", None) == ["reporter"]
    assert found.recipients_of("opened", "HELP", vip) == ["a@example.org"]
    assert found.recipients_of("created", "HELP", vip) is None
    assert found.recipients_of("commented", "NONE", None) is None
