"""Whom a forward of a proven agent is filed for: by its header block, or an attached message."""

from __future__ import annotations

import time

import pytest

from postrail.decision.decision import CreateIssue
from postrail.decision.facts import Facts
from postrail.message_parts import Address, AttachedMessage
from tests.makers.records import AUTHSERV_ID, mail_parsed, verified
from tests.unit.decision.mail_handlers.test_handlers import ADA, decided

AGENT = Facts(sender=ADA, agent_of=("HELP",))
MONA = "mona@customer.example"
BLOCK = f"FYI\n\n---- Forwarded message ----\nFrom: Mona <{MONA}>\nSubject: Fire\n"
ATTACHED = AttachedMessage(
    sender=Address(name="", address="victim@example.net"), subject="x", message_id=None
)


def filed_for(subject: str, text: str, **handler: str) -> str:
    """Returns the reporter of the issue that an agent's message with an attached one makes."""
    mail = verified(mail_parsed(subject=subject, text=text, attached_messages=[ATTACHED]))
    rules = {"forwards": "original_sender", **handler}
    decision = decided(rules, mail=mail, facts=AGENT, authserv_ids=[AUTHSERV_ID])
    (effect,) = (one for one in decision.effects if isinstance(one, CreateIssue))
    return effect.reporter


@pytest.mark.parametrize(
    ("subject", "text", "reporter"),
    [
        # A mail program keeps what was attached to a message that it forwards inline.
        ("Fwd: Fire", BLOCK, MONA),
        ("Fwd: Fire", "FYI", "victim@example.net"),
        ("Fire", "\n", "victim@example.net"),
        # Evidence, such as a phishing message, makes its sender nobody's customer.
        ("Look at this phishing", "It came today.", ""),
        ("Look at this phishing", BLOCK, ""),
        # What the agent has written is the agent's.
        ("Fwd: Fire", "From: ada@example.org\nTo: mona@customer.example\n", ""),
    ],
)
def test_a_header_block_goes_before_an_attached_message(
    subject: str, text: str, reporter: str
) -> None:
    assert filed_for(subject, text) == reporter


def test_an_address_for_forwards_says_that_it_is_one() -> None:
    for text, reporter in ((BLOCK, MONA), ("FYI", "victim@example.net")):
        assert filed_for("Fire", text, catch_address="support@example.com") == reporter


def test_of_a_large_text_the_beginning_names_the_sender() -> None:
    mail = verified(mail_parsed(subject="Fwd: Fire", text="", text_beginning=BLOCK))
    rules = {"forwards": "original_sender"}
    decision = decided(rules, mail=mail, facts=AGENT, authserv_ids=[AUTHSERV_ID])
    (effect,) = (one for one in decision.effects if isinstance(one, CreateIssue))
    assert effect.reporter == MONA


@pytest.mark.parametrize(
    "text",
    [
        f"From:{' ' * 10**5}",
        "From:" + "\n" * 10**5,
        "\n" * 10**5,
        ">\n" * 10**5,
        "From: a\n" * 10**4,
    ],
    ids=range(5),
)
def test_a_stranger_s_text_takes_no_time(text: str) -> None:
    """A thousand blanks took ten seconds, two thousand eighty."""
    started = time.process_time()
    assert filed_for("Fwd: Fire", f"{text}x") == "victim@example.net"
    assert time.process_time() - started < 3
