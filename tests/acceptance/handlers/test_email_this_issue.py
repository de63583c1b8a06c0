"""Email This Issue's rules: two accounts, four handlers in order, filters, a field set by mail."""

from __future__ import annotations

import pytest

from tests.acceptance.handlers.desk import AUTHSERV_ID, Desk, account, verified
from tests.processes.pipeline import letter

pytestmark = [pytest.mark.debian, pytest.mark.timeout(300)]

ADA, PAT, AGENT = "ada@customer.test", "pat@partner.test", "agent@desk.test"
SUPPORT, SALES = "support@desk.test", "sales@desk.test"
CONFIGURATION = r"""
connections:
  - {name: outgoing, host: 127.0.0.1, port: SMTP_PORT, encryption: none,
     from_address: desk@desk.test, is_default: true}
projects:
  - {key: APP, name: Application, issue_types: [Task, Bug], default_issue_type: Task}
  - {key: BIZ, name: Business}
people:
  - {address: agent@desk.test, name: Agent}
accounts: ACCOUNTS
sender_filters:
  - {name: spam, domains: ['@spam\.test$'], then: ignore}
  - {name: retired, addresses: [retired@customer.test], then: push_back}
handlers:
  - name: bugs
    order: 1
    when: {subject matches: '^(bug|crash)\b'}
    project: APP
    issue_type: Bug
  - name: partners
    order: 2
    when: {sender domain is: partner.test}
    project: BIZ
    priority: High
    labels: [partner]
  - name: replies
    order: 3
    kind: comment_reply_text
    field_commands: [priority]
  - name: rest
    order: 4
    then:
      - {quarantine: no rule is for it}
"""


@pytest.fixture
def configured(desk: Desk) -> Desk:
    accounts = account("support", "APP", authserv_ids=f"[{AUTHSERV_ID}]")
    accounts += account("sales", "BIZ", authserv_ids=f"[{AUTHSERV_ID}]")
    desk.apply(CONFIGURATION.replace("ACCOUNTS", accounts))
    return desk


def test_the_first_handler_that_fits_decides(configured: Desk) -> None:
    desk = configured
    desk.receive(
        "support",
        letter("Crash on save", sender=ADA, to=SUPPORT),
        letter("Our contract", sender=PAT, to=SUPPORT),
        letter("What is new?", sender=ADA, to=SUPPORT),
    )
    desk.receive("sales", letter("Bug: no prices", sender=PAT, to=SALES))
    bug, partner = desk.issue("APP-1")["issue"], desk.issue("BIZ-1")["issue"]
    assert (bug["summary"], bug["type"], bug["labels"]) == ("Crash on save", "Bug", [])
    assert (partner["summary"], partner["priority_name"]) == ("Our contract", "High")
    assert partner["labels"] == ["partner"]
    # Both conditions hold: the first decides, whatever the account.
    assert desk.outcome("Bug: no prices") == ("issue", "APP-2")
    mail = desk.mail("What is new?")
    assert (mail["state"], mail["outcome"]) == ("quarantined", "quarantined")
    assert "no rule is for it" in mail["reason"]

    # What was held is handled as another handler would.
    desk.run("mail", "release", mail["mail_id"], "--as-handler", "partners")
    desk.wait_for_outcome("What is new?", "issue")
    assert desk.outcome("What is new?") == ("issue", "BIZ-2")
    assert desk.issue("BIZ-2")["issue"]["labels"] == ["partner"]


def test_an_agent_sets_a_field_by_mail(configured: Desk) -> None:
    desk = configured
    desk.receive("support", letter("Crash on save", sender=ADA, to=SUPPORT))
    answer = letter(
        "Re: [APP-1] Crash on save",
        sender=AGENT,
        to=SUPPORT,
        text="#priority highest\r\n\r\nI look into it.\r\n\r\nAda wrote:\r\n> It crashes.\r\n",
    )
    desk.receive("support", verified(answer, "desk.test"))
    issue = desk.issue("APP-1")
    assert issue["issue"]["priority_name"] == "Highest"
    assert desk.comments("APP-1") == ["I look into it."]
    assert [change["actor_address"] for change in issue["changes"]] == ["agent@desk.test"]
    assert any("APP-1" in subject for subject in desk.sent_to(ADA)[1:])

    # Nobody's word alone makes an agent, or sets a field.
    forged = letter(
        "Re: [APP-1] Crash on save", sender=ADA, to=SUPPORT, text="#priority lowest\r\nMore.\r\n"
    )
    desk.receive("support", forged)
    assert desk.issue("APP-1")["issue"]["priority_name"] == "Highest"


def test_filtered_senders_reach_no_handler_until_they_are_released(configured: Desk) -> None:
    desk = configured
    desk.receive(
        "support",
        letter("Bug: buy now", sender="mal@spam.test", to=SUPPORT),
        letter("Bug: still me", sender="retired@customer.test", to=SUPPORT),
    )
    assert desk.outcome("Bug: buy now") == ("ignored", None)
    assert desk.outcome("Bug: still me") == ("ignored", None)
    assert "spam" in desk.mail("Bug: buy now")["reason"]
    # Only who is pushed back is told.
    assert desk.sent_to("mal@spam.test") == []
    assert len(desk.sent_to("retired@customer.test")) == 1
    assert desk.asked("issues", "list") == []

    desk.run("mail", "release", desk.mail("Bug: buy now")["mail_id"])
    desk.wait_for_outcome("Bug: buy now", "issue")
    assert desk.issue("APP-1")["issue"]["type"] == "Bug"
