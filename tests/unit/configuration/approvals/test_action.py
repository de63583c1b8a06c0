"""The approval actions of handlers and the approvals of statuses: each wrong setting."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from postrail.configuration.approvals.action import ApprovalAction
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.project import Project, Status
from postrail.configuration.yaml_read import parse_file
from postrail.configuration.yaml_write import item_text
from tests.unit.configuration.approvals.file import applied, changed, faults_of, file_of, the

ACTION: dict[str, Any] = {"setup": "releases", "approvers": ["boss@example.org"]}
STATUS: dict[str, Any] = {
    "name": "Released",
    "category": "done",
    "needs_approval": True,
    "approval_setup": "releases",
}
HELP = {
    "name": "help",
    "host": "imap.example.org",
    "username": "help",
    "password": "s3cret",
    "address": "help@example.org",
    "project": "HELP",
}
TWO = ["boss@example.org", "Lena@example.org"]
HANDLERS_PAGE = (Path(__file__).parents[4] / "docs" / "mail-handlers.md").read_text()
PAGE = (Path(__file__).parents[4] / "docs" / "approvals.md").read_text()


def with_action(**changes: Any) -> str:
    handler = {"name": "ask", "then": [{"approval": changed(ACTION, changes)}]}
    return file_of(handlers=[handler], accounts=[HELP])


def with_status(project: dict[str, Any] | None = None, **changes: Any) -> str:
    statuses = [{"name": "Open", "category": "to do"}, changed(STATUS, changes)]
    return file_of(project={"statuses": statuses} | (project or {}))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"setup": "other"}, "approval: there is no approval setup 'other' in the file"),
        ({"setup": None}, "setup: is missing"),
        ({"approvers": []}, "approvers: must have at least 1 item"),
        ({"approvers": ["boss"]}, "approvers: item 1: must be an address, group: and the name of"),
        ({"rule": "most"}, "rule: must be 'any', 'all', 'count' or 'order'"),
        ({"needed": 2}, "needed: is for rule: count, and the rule is any"),
        ({"rule": "count", "needed": 2}, "needed: is 2, and there are 1 approvers"),
        ({"deadline": "soon"}, "deadline: must be a duration such as 30m, 4h or 2d, or a number"),
        ({"deadline": "900d"}, "deadline: must be less than or equal to"),
        ({"at_deadline": "reject"}, "deadline: is missing: at_deadline is reject"),
        ({"deadline": "1d", "at_deadline": "escalate"}, "escalate_to: is missing: whom to ask"),
        ({"escalate_to": TWO}, "escalate_to: is for at_deadline: escalate"),
        ({"deadline": "1d", "remind_after": "2d"}, "remind_after: must be before the deadline"),
        ({"approved_status": "Live"}, "approved_status: project HELP has no status 'Live'; it has"),
        ({"rejected_status": "Dead"}, "rejected_status: project HELP has no status 'Dead'"),
        ({"callback_url": "deploy"}, "callback_url: must be an address such as https://"),
        (
            {"callback_url": "http://deploy.example"},
            "callback_url must begin with https://; or name deploy.example in the callback_hosts of"
            " approval setup 'releases'",
        ),
        ({"choices": [{"name": "no", "meaning": "reject"}]}, "choices: none of them has the"),
        ({"choices": [{"name": "yes"}, {"name": "no"}]}, "choices: 'no' has the meaning approve"),
        ({"choices": [{"name": "2"}]}, "choices: '2' has no letter"),
        ({"choices": [{"name": "go", "label": "o" * 61}]}, "has more than 60 characters"),
        (
            {"choices": [{"name": "go"}], "deadline": "1d", "at_deadline": "reject"},
            "choices: none of them has the meaning reject, and at_deadline: reject needs one",
        ),
        ({"subject": "s" * 251}, "subject: must be one line of at most 250 characters"),
        ({"choices": [{"name": "go"}, {"name": "GO"}]}, "choices: 'go' is given twice"),
        ({"choices": [{"name": "go"}, {"name": "a", "label": "Go"}]}, "'go' is given twice"),
        ({"choices": [{"name": "go", "meaning": "maybe"}]}, "meaning: must be 'approve' or"),
        # The request would come to ourselves.
        ({"approvers": ["answers@example.org"]}, "answers@example.org is an address of ours"),
    ],
)
def test_a_wrong_action_says_what_to_do(changes: dict[str, Any], problem: str) -> None:
    (found,) = faults_of(with_action(**changes))
    assert found.startswith("handler 'ask', then: ")
    assert problem in found


def test_a_lead_is_asked_where_there_is_one() -> None:
    assert not faults_of(with_action(approvers=["lead"]))
    text = with_action(approvers=["lead"]).replace("  lead: lena@example.org\n", "")
    (found,) = faults_of(text)
    assert "approval: project HELP has no lead to ask; name somebody else" in found


@pytest.mark.parametrize(
    "changes",
    [
        {"approvers": ["lead", "group:ops", "Boss@Example.org"], "rule": "count", "needed": 3},
        {"deadline": "2d", "remind_after": "4h", "at_deadline": "reject"},
        {"deadline": 7200, "at_deadline": "escalate", "escalate_to": ["lead"]},
        {"approved_status": "done", "rejected_status": "Open"},
        {"choices": [{"name": "now", "label": "Deploy now"}, {"name": "no", "meaning": "reject"}]},
        {"callback_url": "https://deploy.example/approvals?key=1"},
    ],
)
def test_an_export_of_an_action_gives_the_same(changes: dict[str, Any]) -> None:
    handler = the(MailHandler, applied(with_action(**changes)))
    text = "handlers:\n  - " + item_text(handler).replace("\n", "\n    ")
    (entry,) = parse_file(text.rstrip(), "f")
    assert entry.thing == handler


@pytest.mark.parametrize(
    ("given", "seconds", "written"),
    [
        ("30m", 1800, "30m"),
        ("90s", 90, "90s"),
        ("90", 90, "90s"),
        (7200, 7200, "2h"),
        (" 2 D ", 172800, "2d"),
        ("48h", 172800, "2d"),
        ("0", 0, "0"),
    ],
)
def test_durations(given: Any, seconds: int, written: str) -> None:
    action = ApprovalAction.model_validate({**ACTION, "deadline": given})
    assert action.deadline == seconds
    assert action.model_dump()["deadline"] == written


def test_an_http_callback_goes_to_named_hosts() -> None:
    text = with_action(callback_url="http://Deploy.internal:8080/hook")
    text = text.replace(
        "  account: answers\n", "  account: answers\n  callback_hosts: [deploy.internal]\n"
    )
    assert the(ApprovalSetup, applied(text)).callback_hosts == ["deploy.internal"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"approval_setup": "other"}, "'Released': there is no approval setup 'other' in the file"),
        ({"needs_approval": None}, "'Released' has an approval_setup; set needs_approval: true,"),
        (
            {"approval_setup": None, "approvers": TWO[1:]},
            "'Released' has approvers or an approval_rule; give its approval_setup, too",
        ),
        (
            {"approval_setup": None, "approval_rule": 2},
            "'Released' has approvers or an approval_rule; give its approval_setup, too",
        ),
        ({"approval_rule": "most"}, "approval_rule: must be any, all, order, or how many must"),
        ({"approval_rule": 0}, "approval_rule: must be any, all, order, or how many must approve"),
        (
            {"approvers": TWO[1:], "approval_rule": 2},
            "'Released' needs 2 approvals, and has 1 approvers",
        ),
        ({"approvers": [TWO[1], TWO[1]]}, "the approvers of 'Released': lena@example.org is given"),
        ({"approvers": ["nobody@example.org"]}, "there is no person 'nobody@example.org'"),
        ({"approvers": ["nobody"]}, "approvers: item 1: must"),
    ],
)
def test_a_wrong_status_says_what_to_do(changes: dict[str, Any], problem: str) -> None:
    (found,) = faults_of(with_status(**changes))
    assert found.startswith("project 'HELP', statuses: ")
    assert problem in found


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"approval_rule": 2},
        {"approval_rule": "2", "approvers": ["group:ops"]},
        {"approval_rule": "order", "approvers": ["Lena@example.org", "group:ops"]},
        {"approval_setup": None},
    ],
)
def test_an_export_of_a_status_gives_the_same(changes: dict[str, Any]) -> None:
    project = the(Project, applied(with_status(**changes)))
    text = "projects:\n  - " + item_text(project).replace("\n", "\n    ")
    (entry,) = parse_file(text.rstrip(), "f")
    assert entry.thing == project
    assert project.statuses[1] == Status.model_validate(changed(STATUS, changes))


def rows_of(page: str, heading: str) -> list[list[str]]:
    """Returns the rows of the table of settings below a heading."""
    section = re.split(r"\n#+ ", page.split(f" {heading}\n")[1])[0]
    lines = section.split("| setting |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip("` ") for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_settings_of_the_action_are_documented() -> None:
    rows = rows_of(HANDLERS_PAGE, "Approvals")
    assert [row[0] for row in rows] == list(ApprovalAction.model_fields)
    made = ApprovalAction.model_validate(ACTION)
    for name, _, _, default in rows:
        if default != "required":
            value = getattr(made, name)
            assert default == (str(value) if value or value == 0 else "none"), name


def test_the_settings_of_a_setup_are_documented() -> None:
    missing = [name for name in ApprovalSetup.model_fields if f"`{name}" not in PAGE]
    explained = ["name", "description"]
    assert missing == explained
