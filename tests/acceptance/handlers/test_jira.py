"""Jira 4.0's creation of issues and comments from mail, set up by its handlers and parameters."""

from __future__ import annotations

import pytest

from tests.acceptance.handlers.desk import Desk, attached, with_fields
from tests.acceptance.handlers.desk import account as desk_account
from tests.processes.pipeline import letter

pytestmark = [pytest.mark.debian, pytest.mark.timeout(240)]

COMPANY = """
connections:
  - {name: outgoing, host: 127.0.0.1, port: SMTP_PORT, encryption: none,
     from_address: jira@yourcompany.test, is_default: true}
projects:
  - {key: ABC, name: A B C, issue_types: [Bug, New Feature, Task], default_issue_type: Task}
  - key: FOO
    name: Foo
    issue_types: [Bug, Task, {name: Question, number: 6}]
    default_issue_type: Bug
people:
  - {address: jane@yourcompany.test, name: Jane}
  - {address: anonymous@yourcompany.test, name: Anonymous}
"""
ABC, FOO = "abc-issues@yourcompany.test", "foo-issues@yourcompany.test"
CLOSED = "closed@yourcompany.test"
BOB, EVE = "bob@example.test", "eve@example.test"
QUOTED = "I see it too.\r\n\r\nOn Monday Bob wrote:\r\n> It crashes.\r\n"
CUT = "Do this.\r\n\r\n#### Write above this line ####\r\n\r\nIt crashes.\r\n"
ODD_NAME = (
    b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="cut"\r\n'
    b"From: bob@example.test\r\nTo: abc-issues@yourcompany.test\r\nSubject: The log\r\n\r\n"
    b"--cut\r\nContent-Type: text/plain\r\n\r\nHere it is.\r\n"
    b'--cut\r\nContent-Type: application/octet-stream; name="log%1:2$3?4*5<6|7>8.bin"\r\n'
    b'Content-Disposition: attachment; filename="log%1:2$3?4*5<6|7>8.bin"\r\n\r\nx\r\n--cut--\r\n'
)


def account(name: str, project: str = "ABC") -> str:
    """Returns the lines of a mailbox; a key in the subject is enough there, as in Jira."""
    return desk_account(name, project, domain="yourcompany.test", key_alone="anybody")


def test_create_or_comment_with_its_parameters(desk: Desk) -> None:
    desk.apply(
        COMPANY
        + f"accounts: {account('abc-issues')} {account('foo-issues', 'FOO')} {account('closed')}"
        + """
handlers:
  - name: abc
    accounts: [abc-issues]
    kind: com.atlassian.jira.service.util.handler.CreateOrCommentHandler
    jira_parameters: project=ABC, issuetype=1, createusers=true
  - name: foo
    accounts: [foo-issues]
    kind: Create Or Comment Handler
    jira_parameters: project=FOO, issuetype=6, reporterusername=anonymous@yourcompany.test,
      ccassignee=false
  - name: closed
    accounts: [closed]
    kind: Create Or Comment Handler
    jira_parameters: project=ABC
"""
    )
    # A new issue: its type, its reporter (who is made known), its assignee.
    made = letter("It crashes", sender=BOB, to=ABC)
    desk.receive("abc-issues", with_fields(made, Cc="Jane <jane@yourcompany.test>"))
    fields = desk.issue("ABC-1")["issue"]
    assert (fields["type"], fields["summary"]) == ("Bug", "It crashes")
    assert (fields["reporter"], fields["assignee"]) == (BOB, "jane@yourcompany.test")
    known = {person["address"]: person["origin"] for person in desk.asked("people", "list")}
    assert known[BOB] == "mail"

    # Under another person's name: the address of the sender stands at the end.
    desk.receive("foo-issues", with_fields(letter("May I?", sender=EVE, to=FOO), Cc=f"<{BOB}>"))
    issue = desk.issue("FOO-1")
    assert issue["issue"]["type"] == "Question"
    assert issue["issue"]["reporter"] == "anonymous@yourcompany.test"
    assert issue["issue"]["assignee"] is None
    assert issue["description"].rstrip(" ]").endswith(EVE)

    # A key in the subject: a comment, whoever writes, and whichever project the mailbox is for.
    desk.receive(
        "abc-issues",
        letter("Re: [FOO-1] You may", sender=BOB, to=ABC, text="Yes.\r\n"),
        letter("Re: ABC-1 no key of ours is UTF-8", sender=EVE, to=ABC, text="Here too.\r\n"),
    )
    desk.receive("foo-issues", letter("ABC-1", sender="mal@example.test", to=FOO, text="Same.\r\n"))
    assert desk.comments("FOO-1") == ["Yes."]
    first, second = desk.comments("ABC-1")
    assert first == "Here too."
    assert second.startswith("Same.")
    assert "mal@example.test" in second

    # Neither createusers nor reporterusername: who is unknown is not handled.
    desk.receive(
        "closed", letter("Hello?", sender="who@example.test", to="closed@yourcompany.test")
    )
    assert desk.outcome("Hello?") == ("ignored", None)
    desk.receive("closed", letter("I am known", sender=BOB, to=CLOSED))
    assert desk.outcome("I am known") == ("issue", "ABC-2")


def test_names_of_attachments_are_safe_everywhere(desk: Desk) -> None:
    desk.apply(
        COMPANY
        + f"accounts: {account('abc-issues')}"
        + """
handlers:
  - name: abc
    kind: Create Or Comment Handler
    jira_parameters: project=ABC, createusers=true
"""
    )
    desk.receive("abc-issues", ODD_NAME)
    [attachment] = desk.issue("ABC-1")["attachments"]
    assert attachment["name"] == "log_1_2_3_4_5_6_7_8.bin"


def test_the_other_handlers(desk: Desk) -> None:
    names = ("new", "full", "reply", "before")
    desk.apply(
        COMPANY
        + f"accounts: {' '.join(map(account, names))}"
        + """
handlers:
  - name: new
    accounts: [new]
    kind: com.atlassian.jira.service.util.handler.CreateIssueHandler
    jira_parameters: project=ABC, issuetype=3, createusers=true
  - name: full
    accounts: [full]
    kind: Full Comment Handler
  - name: reply
    accounts: [reply]
    kind: Non Quoted Comment Handler
  - name: before
    accounts: [before]
    kind: RegexCommentHandler
    jira_parameters: "createusers=true, splitregex=#### write above, this line|#### write above"
"""
    )
    desk.receive("new", letter("It crashes", sender=BOB, to="new@yourcompany.test"))
    # Always a new issue, though the subject names one.
    desk.receive("new", letter("Re: ABC-1", sender=BOB, to="new@yourcompany.test"))
    assert desk.outcome("Re: ABC-1") == ("issue", "ABC-2")
    assert desk.issue("ABC-2")["issue"]["type"] == "Task"

    def about(name: str, text: str) -> bytes:
        return letter(f"Re: ABC-1 {name}", sender=BOB, to=f"{name}@yourcompany.test", text=text)

    desk.receive("full", about("full", QUOTED))
    desk.receive("reply", about("reply", QUOTED))
    desk.receive("before", about("before", CUT))
    whole, new, above = desk.comments("ABC-1")
    assert "I see it too." in whole
    assert "> It crashes." in whole
    assert new == "I see it too."
    assert above == "Do this."
    # They comment only: what names no issue is nobody's.
    desk.receive("full", letter("Of nothing", sender=BOB, to="full@yourcompany.test"))
    assert desk.outcome("Of nothing") == ("ignored", None)


def test_a_catch_address_divides_one_inbox(desk: Desk) -> None:
    desk.apply(
        COMPANY
        + f"accounts: {account('support')}"
        + """
handlers:
  - name: foo
    jira_parameters: project=FOO, createusers=true, catchemail=foo-support@example.test
  - name: bar
    jira_parameters: project=ABC, createusers=true, catchemail=bar-support@example.test
"""
    )
    desk.receive(
        "support",
        letter("For foo", sender=BOB, to="Foo <foo-support@example.test>"),
        letter("For bar", sender=BOB, to="someone@example.test, bar-support+7@example.test"),
        letter("For nobody", sender=BOB, to="support@example.test"),
    )
    assert desk.outcome("For foo") == ("issue", "FOO-1")
    assert desk.outcome("For bar") == ("issue", "ABC-1")
    assert desk.outcome("For nobody") == ("ignored", None)


def test_bulk_and_unhandled_mail_goes_where_the_parameters_say(desk: Desk) -> None:
    names = ("ignores", "forwards", "deletes", "comments")
    desk.apply(
        COMPANY
        + f"accounts: {' '.join(map(account, names))}"
        + """
handlers:
  - name: ignores
    accounts: [ignores]
    jira_parameters: project=ABC, createusers=true, notifyusers=false, bulk=ignore
  - name: forwards
    accounts: [forwards]
    jira_parameters: project=ABC, createusers=true, notifyusers=false, bulk=forward
    forward_address: admin@yourcompany.test
  - name: deletes
    accounts: [deletes]
    jira_parameters: project=ABC, createusers=true, notifyusers=false, bulk=delete
  - name: comments
    accounts: [comments]
    kind: Full Comment Handler
    forward_address: admin@yourcompany.test
    forward_unhandled: true
"""
    )

    def bulk(name: str) -> bytes:
        to = f"{name}@yourcompany.test"
        return with_fields(letter(f"News for {name}", sender=BOB, to=to), Precedence="bulk")

    for name in ("ignores", "forwards", "deletes"):
        desk.receive(name, bulk(name))
    human = letter("No news", sender=BOB, to="ignores@yourcompany.test")
    desk.receive("ignores", with_fields(human, Auto_Submitted="no"))
    unhandled = letter("Of nothing", sender=BOB, to="comments@yourcompany.test")
    desk.receive("comments", unhandled)

    assert desk.outcome("News for ignores") == ("ignored", None)
    assert desk.outcome("News for forwards") == ("forwarded", None)
    assert desk.outcome("News for deletes") == ("deleted", None)
    assert desk.outcome("No news") == ("issue", "ABC-1")
    assert desk.outcome("Of nothing") == ("forwarded", None)
    forwards = [one for one in desk.pipeline.sent() if "admin@yourcompany.test" in one.recipients]
    assert [attached(one.message) for one in forwards] == [bulk("forwards"), unhandled]
    # Nobody learns from us that he sent bulk mail: only the issue is confirmed.
    assert len(desk.sent_to(BOB)) == 1
