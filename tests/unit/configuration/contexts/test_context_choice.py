"""What a context decides: connection, template and sender; and what stays the project's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.models.project import Project
from postrail.configuration.templates.message_template import MessageTemplate
from postrail.rendering.events import MessageEvent
from tests.makers.configuration import outgoing_connection, snapshot

CONNECTIONS = {
    "out": outgoing_connection(),
    "fast": outgoing_connection(name="fast", is_default=False),
    "own": outgoing_connection(name="own", is_default=False),
    "off": outgoing_connection(name="off", is_default=False, enabled=False),
}
PROJECTS = {
    "HELP": Project(key="HELP", name="Help desk"),
    "SALE": Project(key="SALE", name="Sales", connection="own"),
    "GONE": Project(key="GONE", name="Gone", connection="off"),
}
SNAPSHOT = replace(snapshot(), connections=CONNECTIONS, projects=PROJECTS)


def context(**changes: Any) -> MessageContext:
    return MessageContext(**{"name": "vip", **changes})


@pytest.mark.parametrize(
    ("project", "of_context", "expected"),
    [
        ("HELP", None, "out"),
        ("HELP", "", "out"),
        ("HELP", "fast", "fast"),
        ("SALE", "", "own"),
        ("SALE", "fast", "fast"),
        # A disabled one counts as none.
        ("SALE", "off", "own"),
        ("GONE", "off", "out"),
        ("GONE", "gone", "out"),
        ("NONE", "", "out"),
    ],
)
def test_the_connection(project: str, of_context: str | None, expected: str) -> None:
    given = None if of_context is None else context(connection=of_context)
    found = SNAPSHOT.connection_for(project, given)
    assert found is not None
    assert found.name == expected


@pytest.mark.parametrize(
    ("sends", "route", "changes", "address"),
    [
        ("fast", "fast", {"connection": "fast"}, "vip@example.com"),
        # A fallback, or another connection than the context has now.
        ("out", "fast", {"connection": "fast"}, "desk@example.com"),
        ("out", "out", {"connection": "fast"}, "desk@example.com"),
        # The project's, or the default one.
        ("own", "own", {}, "vip@example.com"),
        ("out", "own", {}, "desk@example.com"),
        ("fast", "fast", {"connection": "fast", "enabled": False}, "desk@example.com"),
        ("fast", "fast", {"connection": "fast", "name": "other"}, "desk@example.com"),
    ],
)
def test_the_sender(sends: str, route: str, changes: dict[str, Any], address: str) -> None:
    given = context(from_address="vip@example.com", **changes)
    found = replace(SNAPSHOT, contexts=(given,)).sender_of(CONNECTIONS[sends], route, "vip")
    assert (found.name, found.from_address) == (sends, address)


def test_the_address_of_a_context_is_ours() -> None:
    found = replace(SNAPSHOT, contexts=(context(from_address="vip@example.com"),))
    assert found.is_own("vip@example.com")


def template(name: str, **changes: Any) -> MessageTemplate:
    fields = {"name": name, "event": "created", "text": "{{ marker }}", **changes}
    return MessageTemplate.model_validate(fields)


@pytest.mark.parametrize(
    ("templates", "language", "expected"),
    [
        (None, "en", "all"),
        ({}, "en", "all"),
        ({"created": ["en", "de"]}, "de", "de"),
        ({"created": ["en", "de"]}, "fr", "all"),
        ({"commented": ["en"]}, "en", "all"),
    ],
)
def test_the_template(templates: Any, language: str, expected: str) -> None:
    named = context(name="names", templates={"created": ["en", "de"]})
    given = None if templates is None else context(templates=templates)
    found = replace(
        SNAPSHOT,
        contexts=(named,),
        templates=(template("all"), template("en", language="en"), template("de", language="de")),
    ).template_for(MessageEvent.CREATED, "HELP", language, given)
    assert found is not None
    assert found.name == expected
