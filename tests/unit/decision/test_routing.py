"""The project that a message is for: the account's, or the one whose address is in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postrail.configuration.models.project import Project
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.decide import decide
from postrail.decision.decision import CreateIssue, Outcome
from postrail.decision.facts import EarlierMail, Facts
from postrail.message_parts import Address
from postrail.records import MailParsed
from tests.makers.configuration import mail_account, snapshot
from tests.makers.records import mail_parsed
from tests.unit.decision.cases import HELP_1, SALE_1, known

# Two projects whose addresses arrive in the mailbox of HELP, and one with an account of its own.
SNAPSHOT = replace(
    snapshot(),
    projects={
        "HELP": Project(key="HELP", name="Help desk"),
        "SALE": Project(key="SALE", name="Sales", address="sales@example.com"),
        "SHOP": Project(key="SHOP", name="Shop", address="shop@example.com"),
        "BILL": Project(key="BILL", name="Bills", address="bills@example.com"),
    },
)


def to(*addresses: str) -> list[Address]:
    return [Address(name="", address=address) for address in addresses]


def mail(
    *, written: list[str], cc: list[str] | None = None, delivered: list[str] | None = None
) -> MailParsed:
    return mail_parsed(to=to(*written), cc=to(*cc or []), delivered_to=delivered or [])


def project_of(message: MailParsed, configured: ConfigurationSnapshot = SNAPSHOT) -> str:
    (effect,) = decide(message, configured, Facts()).effects
    assert isinstance(effect, CreateIssue)
    return effect.project


@pytest.mark.parametrize(
    ("message", "project"),
    [
        (mail(written=["support@example.com"]), "HELP"),
        (mail(written=["Shop@example.com"]), "SHOP"),
        (mail(written=["bills@example.com", "shop@example.com"]), "BILL"),
        (mail(written=["x@example.net"], cc=["shop@example.com"]), "SHOP"),
        # A list or a blind copy: only the servers say for whom it is.
        (mail(written=["list@example.net"], delivered=["SHOP@example.com"]), "SHOP"),
        (mail(written=[], delivered=["support@example.com", "shop@example.com"]), "SHOP"),
        # The servers name the mailbox, however the message was addressed.
        (mail(written=["shop@example.com"], delivered=["support@example.com"]), "SHOP"),
        # It was written to the mailbox itself, too.
        (mail(written=["shop@example.com"], cc=["Support@example.com"]), "HELP"),
        # Messages to this address arrive at the account that watches it.
        (mail(written=["sales@example.com"]), "HELP"),
        (mail(written=["nobody@example.net"]), "HELP"),
    ],
)
def test_a_message_is_for_the_project_whose_address_is_in_it(
    message: MailParsed, project: str
) -> None:
    assert project_of(message) == project


def test_an_address_whose_account_is_off_arrives_in_shared_mailboxes() -> None:
    accounts = {**SNAPSHOT.accounts, "sales": mail_account("sales", "SALE", enabled=False)}
    message = mail(written=["sales@example.com"])
    assert project_of(message, replace(SNAPSHOT, accounts=accounts)) == "SALE"


def test_the_reason_names_the_address() -> None:
    decision = decide(mail(written=["shop@example.com"]), SNAPSHOT, Facts())
    assert decision.reason == "no known conversation; shop@example.com is the address of SHOP"


def test_an_answer_belongs_to_the_issue_of_that_project() -> None:
    shop = replace(SALE_1, issue_key="SHOP-1", project="SHOP")
    message = mail(written=["shop@example.com"])
    decision = decide(message, SNAPSHOT, known(shop, HELP_1))
    assert decision.issue == shop
    assert decide(message, SNAPSHOT, known(HELP_1)).outcome is Outcome.ISSUE


def test_a_message_in_two_shared_mailboxes_is_handled_once() -> None:
    accounts = {**SNAPSHOT.accounts, "desk": mail_account("desk", "BILL")}
    shop = replace(SALE_1, issue_key="SHOP-1", project="SHOP")
    earlier = EarlierMail(mail_id="m0", mailbox="desk", source="s", issue=shop)
    configured = replace(SNAPSHOT, accounts=accounts)
    facts = Facts(earlier=(earlier,))
    decision = decide(mail(written=["shop@example.com"]), configured, facts)
    assert decision.outcome is Outcome.NOTED
    # Written to another project, it is another matter there.
    decision = decide(mail(written=["x@example.net"]), configured, facts)
    assert decision.outcome is Outcome.ISSUE


def test_addresses_of_projects_are_our_own_and_take_the_replies() -> None:
    assert {"shop@example.com", "sales@example.com"} <= SNAPSHOT.own_addresses
    assert SNAPSHOT.reply_address("SHOP", "support") == "shop@example.com"
    assert SNAPSHOT.reply_address("SHOP", None) == "shop@example.com"
    assert SNAPSHOT.reply_address("HELP", "info") == "info@example.com"
    assert SNAPSHOT.reply_address("HELP", None) == "support@example.com"
