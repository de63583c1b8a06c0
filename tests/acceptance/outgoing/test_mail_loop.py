"""The whole loop on real mail servers: mail, issue, letter, answer, comment, and leaving it."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import EmailMessage

import pytest

from tests.acceptance.handlers.desk import Desk, account
from tests.acceptance.outgoing.mail_user import MailUser, text_of
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix

pytestmark = [pytest.mark.debian, pytest.mark.timeout(120)]

ADA, AGENT, SUPPORT = "ada@lab.test", "agent@lab.test", "support@lab.test"
CONFIGURATION = """
connections:
  - {name: relay, host: localhost, port: POSTFIX_PORT, encryption: starttls, ca_file: CA_FILE,
     username: desk@lab.test, password: secret, from_address: desk@lab.test,
     from_name: Help desk, is_default: true}
projects:
  - {key: HELP, name: Help desk}
people:
  - {address: agent@lab.test, name: Alex Agent}
accounts: ACCOUNTS
"""
LEAVING = re.compile(r"send an empty email to (\S+@lab\.test)\s")


@pytest.fixture
def user(
    postfix: Postfix, dovecot: Dovecot, certificates: Certificates
) -> Callable[[str], MailUser]:
    return lambda address: MailUser(address, postfix, dovecot, certificates)


@pytest.fixture
def configured(desk: Desk, postfix: Postfix, certificates: Certificates) -> Desk:
    support = account("support", "HELP", domain="lab.test", username=SUPPORT, plus_addresses="true")
    text = CONFIGURATION.replace("ACCOUNTS", support).replace(
        "POSTFIX_PORT", str(postfix.smtp_port)
    )
    desk.apply(text.replace("CA_FILE", str(certificates.ca_file)))
    return desk


def test_a_customer_and_an_agent_talk_until_the_customer_leaves(
    configured: Desk, user: Callable[[str], MailUser]
) -> None:
    desk, ada, agent = configured, user(ADA), user(AGENT)

    # A message becomes an issue, and is confirmed in the thread of the customer's mail program.
    first = ada.write(SUPPORT, "Printer on fire", "It burns.")
    confirmation = ada.wait_for(1)
    assert str(confirmation["From"]) == "Help desk <desk@lab.test>"
    assert str(confirmation["Subject"]).startswith("[HELP-1] ")
    assert str(confirmation["In-Reply-To"]) == first
    leaving = leaving_address(confirmation)
    assert desk.issue("HELP-1")["issue"]["summary"] == "Printer on fire"
    desk.run("issues", "watch", "HELP-1", "--watcher", AGENT)

    # An agent's letter is a person's; its answer from the mailbox is a comment, told to the agent.
    by_agent = ("--author", AGENT)
    desk.run("issues", "mail", "HELP-1", "--to", "reporter", "--text", "Which floor?", *by_agent)
    letter = ada.wait_for(2)
    assert text_of(letter).count("Which floor?") == 1
    assert "Alex Agent" in str(letter["From"])
    assert letter["Auto-Submitted"] is None
    before = len(agent.mails())
    ada.reply(letter, "The second one.")
    told = agent.wait_for(before + 1)
    assert "The second one." in text_of(told)
    assert desk.comments("HELP-1") == ["Which floor?", "The second one."]

    # The agent answers from a mailbox, too.
    agent.reply(told, "We come at noon.")
    comment = ada.wait_for(3)
    assert "We come at noon." in text_of(comment)
    assert desk.comments("HELP-1")[2:] == ["We come at noon."]

    # The footer and the field of an automatic message name one address, by which one leaves.
    link = str(comment["List-Unsubscribe"]).strip("<>")
    assert link.startswith(f"mailto:{leaving_address(comment)}?")
    assert leaving_address(comment) == leaving
    ada.follow(link)
    desk.pipeline.wait_until(
        lambda: desk.issue("HELP-1")["watchers"] == [AGENT], 30, "the customer watches no longer"
    )
    assert desk.outcome("unsubscribe") == ("unsubscribed", "HELP-1")
    desk.run("issues", "comment", "HELP-1", "It is out.")
    desk.run("issues", "transition", "HELP-1", "Done")
    # Who watches on is told of both, and the customer of nothing.
    assert "It is out." in "".join(map(text_of, agent.wait_for_all(before + 3)))
    assert len(ada.mails()) == 3
    sent = desk.pipeline.rows("SELECT state FROM delivery WHERE recipient = %s", [ADA])
    assert sent == [("sent",)] * 3


def leaving_address(mail: EmailMessage) -> str:
    """Returns the address by which one leaves, as the footer names it."""
    found = LEAVING.search(text_of(mail))
    assert found is not None, text_of(mail)
    return found[1]
