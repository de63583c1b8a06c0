"""The first context whose scope has the issue decides over which connection its messages go."""

from __future__ import annotations

from collections.abc import Sequence
from email import message_from_bytes
from typing import Any

import pytest

from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.load import load_snapshot
from postrail.configuration.templates.message_template import MessageTemplate
from postrail.database import Connection, transaction
from postrail.issue_queries.contexts import contexts_of
from postrail.records import OutgoingQueued
from postrail.tracker.builtin.issues import matching_among
from postrail.views.contents import outgoing_bytes
from postrail.views.contexts.match import context_match
from tests.integration.handler.bench import Bench
from tests.makers.configuration import outgoing_connection
from tests.makers.records import NOON, mail_parsed, verified

FAST = outgoing_connection(name="fast", is_default=False, from_address="fast@example.com")


def context(name: str, **changes: Any) -> MessageContext:
    return MessageContext(**{"name": name, **changes})


async def queued(bench: Bench, subject: str, mailbox: str = "support") -> OutgoingQueued:
    """Handles a message that makes an issue; returns its confirmation."""
    await bench.handle(verified(mail_parsed(subject=subject, mailbox=mailbox)))
    found = bench.sent(OutgoingQueued)[-1]
    assert isinstance(found, OutgoingQueued)
    return found


async def test_a_context_chooses_connection_sender_and_template(bench: Bench) -> None:
    template = {"name": "hot", "event": "created", "text": "{{ marker }} Hot: {{ issue.key }}"}
    await bench.save(
        FAST,
        MessageTemplate.model_validate(template),
        context("later", order=200),
        context(
            "fire",
            scope="summary ~ fire AND project = HELP",
            connection="fast",
            from_address="fire@example.com",
            from_name="Fire brigade",
            templates={"created": "hot"},
        ),
    )
    found = await queued(bench, "A fire")
    assert (found.connection, found.context, found.template) == ("fast", "fire", "hot")
    assert "Hot: HELP-1" in (found.text or "")
    raw = await outgoing_bytes(
        lambda: transaction(bench.pool),
        found.outgoing_id,
        found.deliveries[0].recipient,
        bench.settings.kafka,
        bench.blobs,
    )
    assert message_from_bytes(raw)["From"].split() == ['"Fire', 'brigade"', "<fire@example.com>"]
    assert await bench.rows("SELECT context FROM outgoing_mail") == [("fire",)]

    found = await queued(bench, "A fire", mailbox="sales")
    assert (found.connection, found.context, found.template) == ("out", "later", "")


async def test_without_a_fitting_context_the_project_decides(bench: Bench) -> None:
    await bench.save(
        FAST,
        context("never", scope="labels = none", connection="fast"),
        context("off", enabled=False, connection="fast"),
    )
    found = await queued(bench, "A fire")
    assert (found.connection, found.context) == ("out", "")


async def test_match_says_why_each_earlier_context_is_passed_over(bench: Bench) -> None:
    await bench.save(
        context("a", scope="project = SALE"),
        context("b", scope="project = HELP AND (priority > Medium OR labels = vip) AND due < 1d"),
        context("c", enabled=False),
        context("d", scope="NOT (project = HELP AND summary ~ fire)"),
        context("e", scope="status = Vanished"),
        context("f", scope="project = HELP AND (summary ~ fire AND assignee = a@example.org)"),
        context("g", scope="reporter = ada@example.org"),
        context("h"),
    )
    await queued(bench, "A fire")
    async with transaction(bench.pool) as connection:
        found = await context_match(connection, "HELP-1", NOON)
        snapshot = await load_snapshot(connection)
        chosen = await contexts_of(connection, ["HELP-1"], snapshot, NOON)
    assert (found.context, chosen["HELP-1"].name) == ("g", "g")
    assert found.connection == "out"
    reasons = {one.context: one.reason for one in found.passed_over}
    invalid = reasons.pop("e")
    assert "not valid any more" in invalid
    assert "line 1, column 10" in invalid
    assert reasons == {
        "a": "this does not hold: project = SALE",
        "b": "this does not hold: priority > Medium OR labels = vip",
        "c": "it is disabled",
        "d": "this does not hold: NOT (project = HELP AND summary ~ fire)",
        "f": "this does not hold: assignee = a@example.org",
    }


async def test_all_is_asked_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def counting(connection: Connection, keys: Any, conditions: Sequence[Any]) -> Any:
        asked.append(len(conditions))
        return await matching_among(connection, keys, conditions)

    await bench.save(
        context("fire", scope="summary ~ fire"),
        context("gone", scope="status = Vanished"),
        context("none", scope="labels = none"),
        context("rest"),
    )
    await bench.handle(*(mail_parsed(subject=one) for one in ("A fire", "Rain", "Wildfire")))
    monkeypatch.setattr("postrail.issue_queries.matching.matching_among", counting)
    async with transaction(bench.pool) as connection:
        snapshot = await load_snapshot(connection)
        keys = ["HELP-1", "HELP-2", "HELP-3"]
        found = await contexts_of(connection, keys, snapshot, NOON)
    assert {key: one.name for key, one in found.items()} == {
        "HELP-1": "fire",
        "HELP-2": "rest",
        "HELP-3": "fire",
    }
    assert asked == [2]
