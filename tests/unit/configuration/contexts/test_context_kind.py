"""Contexts in a file: what they name has to exist, and their scope has to be a query."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.templates.message_template import MessageTemplate
from postrail.configuration.yaml_read import parse_file
from postrail.rendering.events import MessageEvent
from tests.makers.configuration import outgoing_connection
from tests.unit.configuration.test_plan import faults_of, plan_of

FILE = """\
connections:
  - {name: out, host: smtp.example.org, from_address: help@example.org, is_default: true}
  - {name: fast, host: smtp.example.net, from_address: fast@example.net}
  - {name: idle, host: smtp.example.net, from_address: off@example.net, enabled: false}
projects:
  - {key: HELP, name: Help desk}
people:
  - {address: bo@example.org, name: Bo, groups: [desk]}
templates:
  - {name: thanks, event: created, text: "{{ marker }}"}
contexts:
  - name: vip
"""


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (
            "scope: project = HELP AND",
            "f:13: context 'vip', scope: the query is not valid at line 1",
        ),
        ("scope: due=2 OR status = Opne", "scope: the query is not valid at line 1, column 5"),
        ("scope: status = Open OR status = Opne", "line 1, column 27: status has no value 'Opne'"),
        ("scope: text ~ fire", "the field text searches the words of comments"),
        ("scope: assignee = currentUser()", "nobody is known to ask"),
        ("connection: slow", "connection: there is no connection 'slow'"),
        ("connection: idle", "connection: connection 'idle' is disabled"),
        ("from_address: nobody", "from_address: must be an address of mail, or blank"),
        ('from_name: "a\\nb"', "from_name: must be one line of text"),
        ("templates: {created: x}", "templates: created: there is no template 'x'"),
        ("templates: {digest: thanks}", "template 'thanks' is for the event created"),
        ("templates: {borne: thanks}", "templates"),
        ("order: -1", "order"),
    ],
)
def test_faults_name_the_line_and_the_field(line: str, fault: str) -> None:
    assert any(fault in one for one in faults_of(f"{FILE}    {line}\n"))


@pytest.mark.parametrize(
    "line",
    [
        "scope: project = HELP",
        'scope: assignee IN membersOf("desk")',
        "connection: fast",
        "templates: {created: thanks}",
        "templates: {created: [thanks]}",
    ],
)
def test_what_exists_may_be_named(line: str) -> None:
    plan = plan_of(f"{FILE}    {line}\n")
    assert ("context", "vip", "created") in [(o.kind, o.name, o.action) for o in plan.changes]


def test_a_template_keeps_the_event_that_a_stored_context_has_it_for() -> None:
    vip = MessageContext.model_validate({"name": "vip", "templates": {"created": "thanks"}})
    template = MessageTemplate(name="thanks", event=MessageEvent.CREATED, text="{{ marker }}")
    file = "templates:\n  - {name: thanks, event: EVENT, text: '{{ marker }}!'}\n"
    plan_of(file.replace("EVENT", "created"), [vip, template])
    (fault,) = faults_of(file.replace("EVENT", "digest"), [vip, template])[:1]
    assert "event: context 'vip' has it for created" in fault


def test_a_context_without_scope_is_noted() -> None:
    (note,) = [one for one in plan_of(FILE).notes if one.startswith("context")]
    assert "takes every issue" in note


def test_the_example_is_valid() -> None:
    example = (resources.files("postrail.configuration") / "example.yaml").read_text()
    section = example[example.index("\n# contexts:") : example.index("\n# What messages may do")]
    (entry,) = parse_file(re.sub(r"(?m)^# ?", "", section), "x")
    assert set(MessageContext.model_fields) == entry.given


def test_a_context_gives_a_connection_its_own_name() -> None:
    out = outgoing_connection(from_name="Desk")
    dressed = MessageContext(name="vip", from_name="Vip desk").dress(out)
    assert (dressed.from_address, dressed.from_name) == ("desk@example.com", "Vip desk")
    own = MessageContext(name="vip", from_address="VIP@example.com").dress(out)
    assert (own.from_address, own.from_name) == ("vip@example.com", "Desk")
