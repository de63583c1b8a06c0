"""FlexDeploy's email settings of approvals over IMAP: with STARTTLS, and with TLS."""

from __future__ import annotations

import pytest

from tests.acceptance.approvals.flexdeploy.flood import SPAM, decide_among_spam
from tests.acceptance.approvals.flexdeploy.settings import (
    APPROVALS,
    REMOVES,
    SMTP,
    SSL,
    STARTTLS,
    TRUSTS,
    VERIFIES,
)
from tests.acceptance.approvals.office import MAILBOX, Office
from tests.acceptance.handlers.desk import Desk
from tests.processes.pipeline import letter
from tests.servers.certificates import Certificates
from tests.servers.postfix import Postfix

pytestmark = [pytest.mark.debian, pytest.mark.timeout(240)]


@pytest.fixture
def office(stopped_desk: Desk, postfix: Postfix, certificates: Certificates) -> Office:
    """Makes an office whose requests a real Postfix brings to the approvers."""
    return Office(
        stopped_desk,
        IMAP_PORT=stopped_desk.pipeline.dovecot.imap_port,
        POSTFIX_PORT=postfix.smtp_port,
        IMAPS_PORT=stopped_desk.pipeline.dovecot.imaps_port,
        CA_FILE=certificates.ca_file,
    )


def test_with_starttls_where_unverified_senders_may_decide(office: Office) -> None:
    office.apply(SMTP + STARTTLS + REMOVES + APPROVALS + TRUSTS)
    shown = decide_among_spam(office, passes=None)
    (part,) = shown["approvers"]
    assert "unverified" in part["verdict"]
    # All has been removed, as the setup says that the mailbox has no other use.
    dovecot = office.pipeline.dovecot
    office.pipeline.wait_until(lambda: not dovecot.flags(MAILBOX), 60, "the mailbox is empty")
    assert dovecot.flags(MAILBOX, "Processed") == {}


def test_with_tls_from_the_start_and_proven_senders(office: Office) -> None:
    dovecot = office.pipeline.dovecot
    dovecot.doveadm("mailbox", "create", "-u", MAILBOX, "Approvals")
    # INBOX is another program's.
    dovecot.append(MAILBOX, letter("Not for us"))
    office.folder = "Approvals"
    office.apply(SMTP + SSL + VERIFIES + APPROVALS)
    shown = decide_among_spam(office, passes=True)
    (part,) = shown["approvers"]
    assert part["verdict"].startswith("pass")
    office.pipeline.wait_until(
        lambda: not dovecot.flags(MAILBOX, "Approvals"), 60, "the folder is empty"
    )
    assert len(dovecot.flags(MAILBOX, "Processed")) == SPAM + 1
    assert len(dovecot.flags(MAILBOX)) == 1
