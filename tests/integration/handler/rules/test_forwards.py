"""What a verified agent forwards is filed for the person who wrote it; nobody else may do that."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.message_parts import Address, AttachedMessage
from postrail.records import OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed, verified

AGENT = Address(name="Agent", address="agent@example.com")
STRANGER = Address(name="", address="stranger@example.net")
GMAIL = (
    "FYI\n\n---------- Forwarded message ---------\nFrom: Mona Lisa <Mona@customer.example>\n"
    "Date: Mon, 1 Jan 2024 10:00\nSubject: Fire\nTo: <agent@example.com>\n\nFrom: x <x@y.example>\n"
)
OUTLOOK = "*Von:* Mona Lisa [mailto:mona@customer.example]\n*Gesendet:* Montag\n\nEs brennt.\n"
PLAIN = "> From: mona@customer.example\n> Date: today\n>\n> It burns.\n"


async def handle(bench: Bench, *, proven: bool = True, **fields: object) -> tuple[str, str]:
    """Handles a message of the agent; returns the reporter of its issue."""
    mail = mail_parsed(**{"sender": AGENT, "subject": "Fwd: Fire", "text": GMAIL, **fields})
    await bench.handle(verified(mail) if proven else mail)
    ((address, name),) = await bench.rows("SELECT reporter_address, reporter_name FROM issue")
    return address, name


async def configure(bench: Bench, **values: object) -> None:
    fields = {"name": "desk", "forwards": "original_sender", **values}
    await bench.save(MailHandler.model_validate(fields))


@pytest.mark.parametrize(
    ("subject", "text", "name"),
    [("Fwd: Fire", GMAIL, "Mona Lisa"), ("WG: Feuer", OUTLOOK, "Mona Lisa"), ("FW:", PLAIN, "")],
)
async def test_both_persons_stand_in_the_issue(
    bench: Bench, subject: str, text: str, name: str
) -> None:
    await configure(bench)
    reporter = await handle(bench, subject=subject, text=text)
    assert reporter == ("mona@customer.example", name)
    found = await bench.rows("SELECT address FROM watcher ORDER BY address")
    assert found == [("agent@example.com",), ("mona@customer.example",)]
    # The agent is told the key; the customer has written to nobody here.
    (confirmed,) = bench.sent(OutgoingQueued)
    assert [one.recipient for one in confirmed.deliveries] == ["agent@example.com"]
    ((reason,),) = await bench.rows("SELECT reason FROM incoming_mail")
    assert reason.endswith("; agent@example.com forwards it for mona@customer.example")
    # What the customer writes later is a comment of somebody who takes part.
    mona = Address(name="", address="mona@customer.example")
    await bench.handle(mail_parsed(sender=mona, subject="Re: [HELP-1] Fire", text="More"))
    assert await bench.rows("SELECT outsider FROM comment") == [(False,)]


@pytest.mark.parametrize(
    "fields",
    [
        {"proven": False},
        {"sender": STRANGER},
        {"subject": "Fire"},
        {"text": "No header block"},
        # Our own address reports nothing.
        {"text": "From: support@example.com\nTo: agent@example.com\n"},
    ],
)
async def test_other_messages_are_of_their_senders(bench: Bench, fields: dict[str, object]) -> None:
    await configure(bench)
    reporter, _ = await handle(bench, **fields)  # type: ignore[arg-type]
    assert reporter == ("stranger@example.net" if "sender" in fields else "agent@example.com")


async def test_what_comes_to_an_address_for_forwards_needs_no_prefix(bench: Bench) -> None:
    await configure(bench, catch_address="forward@example.com")
    forward = [Address(name="", address="forward@example.com")]
    assert (await handle(bench, subject="Fire", to=forward))[0] == "mona@customer.example"


async def test_without_the_setting_a_forward_is_the_agent_s(bench: Bench) -> None:
    await configure(bench, forwards="as_sent")
    assert (await handle(bench))[0] == "agent@example.com"


@pytest.mark.parametrize(
    ("sender", "reporter"),
    [
        (Address(name="Mona Lisa", address="Mona@customer.example"), "mona@customer.example"),
        # Who forwards a message of their own, or of ours, forwards it for nobody.
        (AGENT, "agent@example.com"),
        (Address(name="", address="support+1@example.com"), "agent@example.com"),
        (None, "agent@example.com"),
    ],
)
async def test_an_attached_message_names_the_original_sender(
    bench: Bench, sender: Address | None, reporter: str
) -> None:
    await configure(bench)
    attached = AttachedMessage(sender=sender, subject="Fire", message_id="<m@customer.example>")
    fields: dict[str, Any] = {"subject": "Fwd: Fire", "text": "FYI"}
    fields["attached_messages"] = [attached]
    assert (await handle(bench, **fields))[0] == reporter


async def test_a_stranger_forwards_for_nobody_by_an_attached_message(bench: Bench) -> None:
    await configure(bench)
    mona = Address(name="Mona Lisa", address="mona@customer.example")
    attached = AttachedMessage(sender=mona, subject="Fire", message_id=None)
    fields: dict[str, Any] = {"subject": "Please see", "text": "FYI"}
    fields["attached_messages"] = [attached]
    assert (await handle(bench, proven=False, **fields))[0] == "agent@example.com"
