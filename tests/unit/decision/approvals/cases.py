"""A request for approval, and an answer to it that counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from postrail.approvals.request import APPROVE_OR_REJECT, AssignmentState
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.approvals.fact import ApprovalFact
from postrail.decision.decide import decide
from postrail.decision.decision import Decision
from postrail.decision.facts import Facts
from postrail.message_parts import Address
from postrail.records import MailParsed
from tests.makers.configuration import mail_account, snapshot
from tests.makers.records import AUTHSERV_ID, mail_parsed, verified

REQUEST = "6f7e1c53-8b0a-4f4e-9c06-7a1d0a3a9d51"
BOSS = "boss@example.org"
REPLY_TO = "approvals@example.com"
TOKEN = "7a-abcdefghijklmnopqrstuvwxyz"
FACT = ApprovalFact(
    genuine=True,
    request_id=REQUEST,
    number=12,
    setup="deploy",
    choices=APPROVE_OR_REJECT,
    assignment_id=7,
    assignment_state=AssignmentState.ASKED,
    addresses=(BOSS, "boss@home.example"),
    language="en",
)


def configured(
    *, authserv_ids: tuple[str, ...] = (AUTHSERV_ID,), **changes: Any
) -> ConfigurationSnapshot:
    """Returns the configuration with a setup whose answers arrive at approvals@example.com."""
    account = mail_account(
        "approvals", purpose="approvals", authserv_ids=list(authserv_ids), trusted_hosts=[]
    )
    fields = {"name": "deploy", "enabled": True, "account": "approvals", "reply_address": REPLY_TO}
    setup = ApprovalSetup(**{**fields, **changes})
    given = snapshot(authserv_ids=[AUTHSERV_ID])
    accounts = {**given.accounts, account.name: account}
    return replace(given, accounts=accounts, approval_setups={setup.name: setup})


def addressed(*addresses: str) -> list[Address]:
    return [Address(name="", address=one) for one in addresses]


def answer(**changes: Any) -> MailParsed:
    """Returns a reply of the approver that nothing verifies."""
    local, _, domain = REPLY_TO.partition("@")
    fields: dict[str, Any] = {
        "mailbox": "approvals",
        "sender": Address(name="Boss", address=BOSS),
        "to": addressed(f"{local}+{TOKEN}@{domain}"),
        "subject": "Re: [A-12] Deploy 4.2 to production",
        "text": "approve\n",
    }
    return mail_parsed(**{**fields, **changes})


def proven(**changes: Any) -> MailParsed:
    """Returns a reply of the approver that our own server verifies."""
    return verified(answer(**changes))


def decided(
    mail: MailParsed,
    fact: ApprovalFact | None = FACT,
    configuration: ConfigurationSnapshot | None = None,
    **facts: Any,
) -> Decision:
    """Returns the decision about a message with these facts."""
    return decide(mail, configuration or configured(), Facts(approval=fact, **facts))
