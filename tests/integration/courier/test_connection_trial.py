"""Tests outgoing connections step by step, against a real Postfix and the fake of Graph."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import CourierLogin
from postrail.courier.trial import try_connection
from postrail.wire.timed_steps import Step
from tests.fakes.graph import FakeGraph
from tests.makers.oauth import source_of
from tests.servers.certificates import Certificates
from tests.servers.dovecot import PASSWORD
from tests.servers.postfix import Postfix
from tests.servers.smtp_sink import SmtpSink

DESK = "help@lab.test"


def connection(port: int, certificates: Certificates, **changes: Any) -> OutgoingConnection:
    values: dict[str, Any] = {
        "name": "relay",
        "host": "localhost",
        "port": port,
        "encryption": "starttls",
        "ca_file": str(certificates.ca_file),
        "from_address": DESK,
        "username": DESK,
        "password": PASSWORD,
        "timeout_ms": 5000,
    }
    return OutgoingConnection.model_validate(values | changes)


async def steps_of(
    tried: OutgoingConnection, login: CourierLogin = PASSWORD, recipient: str = ""
) -> list[Step]:
    """Runs the trial in a thread, as the command does."""
    return await asyncio.to_thread(lambda: list(try_connection(tried, lambda: login, recipient)))


def names(steps: list[Step]) -> list[str]:
    return [step.name for step in steps]


STEPS = ["name resolution", "connection"]
SMTP_STEPS = ["EHLO", "login", "sender", "recipient"]


@pytest.mark.debian
@pytest.mark.parametrize(
    ("encryption", "order"),
    [("starttls", ["greeting", "TLS"]), ("ssl", ["TLS", "greeting"])],
)
async def test_all_steps_succeed(
    postfix: Postfix, certificates: Certificates, encryption: str, order: list[str]
) -> None:
    port = postfix.smtps_port if encryption == "ssl" else postfix.smtp_port
    steps = await steps_of(connection(port, certificates, encryption=encryption))

    assert [(step.name, step.detail) for step in steps if not step.ok] == []
    assert names(steps) == [*STEPS, *order, *SMTP_STEPS]
    found = {step.name: step for step in steps}
    assert "certificate for" in found["TLS"].detail
    assert found["greeting"].detail.startswith("220 mx.lab.test")
    assert "SIZE 41943040" in found["EHLO"].detail
    assert "AUTH" in found["EHLO"].detail
    assert found["login"].detail == f"as {DESK}"
    assert found["recipient"].detail.startswith(f"{DESK}: 250")
    assert all(step.milliseconds > 0 for step in steps)


@pytest.mark.debian
@pytest.mark.parametrize(
    ("changes", "login", "recipient", "step", "words", "setting"),
    [
        # The name is unknown.
        ({"host": "nowhere.invalid"}, "", "", "name resolution", "unknown", "host"),
        ({"port": 1}, "", "", "connection", "refused the connection", "host, port"),
        # The authority is not trusted.
        ({"ca_file": ""}, "", "", "TLS", "is not trusted", "ca_file"),
        # The port begins without TLS.
        ({"encryption": "ssl"}, "", "", "TLS", "begins without TLS", "encryption, port"),
        ({}, "wrong", "", "login", "refused the login of help@lab.test: 535", "password"),
        # An address that does not exist is no fault of the connection's settings.
        ({}, PASSWORD, "gone@lab.test", "recipient", "550 5.1.1", ""),
        # Postfix shows no login without encryption.
        ({"encryption": "none"}, PASSWORD, "", "login", "offers no login", "encryption"),
    ],
)
async def test_the_first_step_that_fails_is_the_last(
    postfix: Postfix,
    certificates: Certificates,
    changes: dict[str, Any],
    login: str,
    recipient: str,
    step: str,
    words: str,
    setting: str,
) -> None:
    tried = connection(changes.pop("port", postfix.smtp_port), certificates, **changes)

    *before, last = await steps_of(tried, login, recipient)

    assert all(one.ok for one in before)
    assert (last.name, last.ok) == (step, False), last.detail
    assert words in last.detail
    assert setting in last.setting
    assert last.setting.startswith("outgoing connection relay: " if setting else "")
    assert last.remedy


@pytest.mark.debian
async def test_a_recipient_that_is_taken_later_is_a_note(
    postfix: Postfix, certificates: Certificates
) -> None:
    tried = connection(postfix.smtp_port, certificates)
    last = (await steps_of(tried, recipient="grey@lab.test"))[-1]
    assert last.ok
    assert "450" in last.detail
    assert "greylisting" in last.remedy


async def test_starttls_if_available_goes_on_without_it(
    smtp_sink: SmtpSink, certificates: Certificates
) -> None:
    tried = connection(
        smtp_sink.port,
        certificates,
        encryption="starttls_if_available",
        username="",
        password="",
    )
    steps = await steps_of(tried)
    assert [step.name for step in steps if not step.ok] == []
    tls = next(step for step in steps if step.name == "TLS")
    assert "does not offer it" in tls.detail
    assert smtp_sink.mails == []


async def test_no_message_is_sent(smtp_sink: SmtpSink, certificates: Certificates) -> None:
    tried = connection(
        smtp_sink.port,
        certificates,
        encryption="none",
        username="",
        password="",
        max_bytes=99_999_999,
    )
    steps = await steps_of(tried, recipient="ann@x.org")
    assert steps[-1].detail == "ann@x.org: 250 OK"
    ehlo = next(step for step in steps if step.name == "EHLO")
    assert ehlo.remedy == "Set max_bytes to 41943040: the server takes no larger message"
    assert smtp_sink.mails == []


@pytest.fixture
def graph(certificates: Certificates) -> Iterator[FakeGraph]:
    with FakeGraph(certificates) as server:
        server.add_mailbox(DESK)
        yield server


def office(graph: FakeGraph, certificates: Certificates) -> OutgoingConnection:
    return connection(
        graph.port, certificates, mode="graph", credential="entra", password="", encryption="ssl"
    )


async def test_graph_is_tested(graph: FakeGraph, certificates: Certificates) -> None:
    token = graph.grant("Mail.Send", "Mail.ReadWrite")
    steps = await steps_of(office(graph, certificates), source_of(token))
    assert [(step.name, step.detail) for step in steps if not step.ok] == []
    assert names(steps) == [*STEPS, "TLS", "login", "mailbox"]
    # The fake's tokens cannot be read.
    assert "postrail connections send-test relay" in steps[-2].remedy
    assert graph.sending(DESK).sent == []


async def test_graph_without_the_right_to_read_is_a_note(
    graph: FakeGraph, certificates: Certificates
) -> None:
    token = graph.grant("Mail.Send")
    last = (await steps_of(office(graph, certificates), source_of(token)))[-1]
    assert last.ok
    assert "Mail.ReadWrite" in last.remedy


async def test_graph_with_a_token_for_other_things_fails(
    graph: FakeGraph, certificates: Certificates
) -> None:
    for given in ("roles", "scp"):
        claims = {given: ["Mail.Read"] if given == "roles" else "Mail.Read"}
        part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        last = (await steps_of(office(graph, certificates), source_of(f"e30.{part}.c2ln")))[-1]
        assert (last.name, last.ok) == ("login", False)
        assert "and not Mail.Send" in last.detail


async def test_graph_with_a_policy_against_it_fails(
    graph: FakeGraph, certificates: Certificates
) -> None:
    token = graph.grant("Mail.Send", "Mail.ReadWrite", only=frozenset())
    last = (await steps_of(office(graph, certificates), source_of(token)))[-1]
    assert (last.name, last.ok) == ("mailbox", False)
    assert "application access policy" in last.remedy


async def test_graph_takes_no_password(graph: FakeGraph, certificates: Certificates) -> None:
    last = (await steps_of(office(graph, certificates), "secret"))[-1]
    assert (last.name, last.ok) == ("login", False)
    assert last.setting == "outgoing connection relay: credential"
