"""FlexDeploy's email settings: properties of JavaMail, a folder for replies, a count each poll.

Approvals by reply come in a later issue; here a message of that folder is an ordinary one.
"""

from __future__ import annotations

import pytest

from tests.acceptance.handlers.desk import Desk
from tests.processes.pipeline import letter

pytestmark = [pytest.mark.debian, pytest.mark.timeout(240)]

REPLIES = 35
CONFIGURATION = """
connections:
  - name: outgoing
    host: 127.0.0.1
    port: SMTP_PORT
    encryption: none
    from_address: noreply@domain.test
    is_default: true
projects:
  - {key: FLEX, name: Deployments}
accounts:
  - name: replies
    host: 127.0.0.1
    port: IMAP_PORT
    encryption: none
    username: flexdeploy
    password: secret
    address: approvals@domain.test
    project: FLEX
    folder: Approvals
    properties: |
      PROTOCOL=imap
      mail.${{PROTOCOL}}.host=${{IMAP_HOST_NAME}}
      mail.${{PROTOCOL}}.port=${{IMAP_HOST_PORT}}
      mail.${{PROTOCOL}}.starttls.enable=${{IMAP_ENABLE_STARTTLS}}
      mail.${{PROTOCOL}}.connectiontimeout=5000
      mail.${{PROTOCOL}}.timeout=5000
    # Read messages are removed; each poll reads at most this number.
    after_download: remove
    max_mails_per_poll: 30
    poll_seconds: 2
"""


def test_a_folder_is_read_and_emptied_by_its_properties(desk: Desk) -> None:
    dovecot = desk.pipeline.dovecot
    dovecot.doveadm("mailbox", "create", "-u", "flexdeploy", "Approvals")
    for number in range(REPLIES):
        manager = f"manager{number}@domain.test"
        reply = letter(f"Re: Approve {number}", sender=manager, to="approvals@domain.test")
        dovecot.append("flexdeploy", reply, "Approvals")
    # INBOX is another program's.
    dovecot.append("flexdeploy", letter("Not for us", to="approvals@domain.test"))

    desk.apply(CONFIGURATION)
    desk.pipeline.wait_until_settled(mails=REPLIES)
    issues = desk.asked("issues", "list", "--limit", "100")
    assert {one["summary"] for one in issues} == {f"Re: Approve {n}" for n in range(REPLIES)}
    desk.pipeline.wait_until(lambda: not dovecot.flags("flexdeploy", "Approvals"), 30, "empty")
    assert len(dovecot.flags("flexdeploy")) == 1
    senders = {str(mail.message["From"]) for mail in desk.pipeline.sent()}
    assert senders == {"noreply@domain.test"}
