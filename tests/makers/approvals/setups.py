"""Makes the configuration that approval requests need, as tests need it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.snapshot import ConfigurationSnapshot
from tests.makers.configuration import mail_account, outgoing_connection, snapshot

REPLIES = "approvals@example.com"


def approval_setup(**changes: Any) -> ApprovalSetup:
    """Returns the enabled setup deployments, answered in the account of the same name."""
    fields: dict[str, Any] = {
        "name": "deployments",
        "enabled": True,
        "account": "deployments",
        "reply_address": REPLIES,
        "unverified_senders": "decide",
    }
    return ApprovalSetup(**{**fields, **changes})


def approving(
    setup: ApprovalSetup | None = None, *, plus_addresses: bool = True
) -> ConfigurationSnapshot:
    """Returns the snapshot with the setup, its account, and a connection."""
    setup = setup or approval_setup()
    account = mail_account(
        "deployments",
        address=setup.reply_address or REPLIES,
        purpose="approvals",
        plus_addresses=plus_addresses,
    )
    given = snapshot()
    return replace(
        given,
        accounts={**given.accounts, account.name: account},
        connections={"out": outgoing_connection()},
        approval_setups={setup.name: setup},
    )
