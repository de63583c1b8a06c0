"""Mail handlers as operators configure them: each parameter, Jira's form, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from postrail.configuration.entry import Proposal
from postrail.configuration.handlers.kind import MAIL_HANDLER
from postrail.configuration.models.handler_parts import Action, FromMail
from postrail.configuration.models.jira_parameters import PARAMETERS
from postrail.configuration.models.mail_handler import CATCH_HEADERS, MailHandler
from postrail.configuration.models.project import CustomField, Project
from tests.makers.configuration import entry_of


def handler(**values: Any) -> MailHandler:
    return MailHandler.model_validate({"name": "h"} | values)


def test_a_handler_with_a_name_only_takes_everything() -> None:
    made = handler()
    assert made.kind == "create_or_comment"
    assert made.serves("any")
    assert made.catch_headers == list(CATCH_HEADERS)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("create", "create"),
        ("com.atlassian.jira.plugins.mail.handlers.CreateOrCommentHandler", "create_or_comment"),
        ("CreateIssueHandler", "create"),
        ("Create Issue Handler", "create"),
        ("FullCommentHandler", "comment"),
        ("Non-quoted Comment Handler", "comment_reply_text"),
        ("NonQuotedCommentHandler", "comment_reply_text"),
    ],
)
def test_kinds_have_jiras_names_too(given: str, kind: str) -> None:
    assert handler(kind=given).kind == kind


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("project=abc", "project", "ABC"),
        ("issuetype=1", "issue_type", "1"),
        ("createusers=true", "create_users", True),
        ("createusers=true, notifyusers=false", "notify_users", False),
        ("reporterusername=Anna@example.org", "reporter", "anna@example.org"),
        ("ccassignee=false", "cc_assignee", False),
        ("ccwatcher=true", "cc_watchers", True),
        ("bulk=ignore", "bulk", "ignore"),
        ("catchemail=Foo@example.org", "catch_address", "foo@example.org"),
        ("stripquotes=true", "strip_quotations", True),
        ("splitregex=^-{2,5}$, project=ABC", "pattern", "^-{2,5}$"),
        # Jira wants delimiters, mostly slashes, which are no part of the pattern.
        (
            r"splitregex=/----\s*Original Message\s*----/",
            "pattern",
            r"----\s*Original Message\s*----",
        ),
        ("splitregex=m#^-{4}#ms, project=ABC", "pattern", "(?ms)^-{4}"),
        ("splitregex=/On .*, .* wrote:/", "pattern", "On .*, .* wrote:"),
        ("splitregex=/", "pattern", "/"),
        ("project=ABC\nissuetype=2", "issue_type", "2"),
        (" PROJECT = abc ,issuetype= 2,", "issue_type", "2"),
        # Unknown senders are not handled unless one of these two is set.
        ("project=ABC", "unknown_senders", "ignore"),
        ("createusers=true", "unknown_senders", "accept"),
        ("reporterusername=a@b.example", "unknown_senders", "accept"),
    ],
)
def test_jiras_parameters_set_the_fields(text: str, field: str, value: object) -> None:
    assert getattr(handler(jira_parameters=text), field) == value


def test_every_parameter_of_jira_is_tested_above() -> None:
    assert len(PARAMETERS) == 11


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"jira_parameters": "projekt=A"}, "did you mean project?"),
        ({"jira_parameters": "splitregex=/a(?=c)/"}, "look-ahead"),
        ({"kind": "comment_before_pattern", "pattern": "a(?=c)"}, "look-ahead"),
        ({"kind": "comment_before_pattern", "pattern": "(abc"}, "missing )"),
        ({"jira_parameters": "port=1"}, "'port' is no parameter"),
        ({"jira_parameters": "createusers=maybe"}, "must be true or false"),
        ({"jira_parameters": "bulk=keep"}, "must be ignore, forward or delete"),
        ({"jira_parameters": "project="}, "has no value"),
        ({"jira_parameters": "project=A, project=B"}, "given twice"),
        ({"jira_parameters": "project=ABC", "project": "DEF"}, "is set by jira_parameters too"),
        ({"jira_parameters": "bulk=forward"}, "needs a forward_address"),
        ({"bulk": "forward"}, "needs a forward_address"),
        ({"forward_unhandled": True}, "needs a forward_address"),
        ({"kind": "comment_before_pattern"}, "pattern: is missing"),
        ({"create_users": True, "unknown_senders": "ignore"}, "contradicts unknown_senders"),
        ({"when": {"subjekt is": "a"}}, "did you mean 'subject'"),
        ({"when": {"subject matches": "(?=a)"}}, "look-ahead"),
        ({"ignore_subjects": [r"(a)\1"]}, "back reference"),
        ({"allowed_senders": ["(?<=a)b"]}, "look-behind"),
        ({"then": [{"drop": "a"}, {"quarantine": "b"}]}, "more than one of drop and quarantine"),
        ({"then": [{}]}, "an action has one of"),
        ({"then": [{"drop": "a", "forward": "a@b.example"}]}, "an action has one of"),
        ({"then": [{"explode": "now"}]}, "explode"),
        ({"fields": {"Room": {"from": "body", "pattern": "a"}}}, "subject|text|header"),
    ],
)
def test_what_contradicts_itself_is_refused(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as refused:
        handler(**values)
    assert problem in str(refused.value)


def test_fields_and_actions_have_their_values() -> None:
    made = handler(
        fields={"Room": {"from": "header X-Room", "pattern": r"(\d+)"}, "Site": "Berlin"},
        then=[{"set": {"priority": "High"}}, {"labels": ["vip"]}, {"quarantine": "who is it?"}],
    )
    assert made.fields == {
        "Room": FromMail(source="header X-Room", pattern=r"(\d+)"),
        "Site": "Berlin",
    }
    assert made.then == [
        Action(set={"priority": "High"}),
        Action(labels=["vip"]),
        Action(quarantine="who is it?"),
    ]


def test_a_handler_is_read_back_from_its_values() -> None:
    made = handler(
        jira_parameters="project=ABC, reporterusername=Bob@example.org, splitregex=^--",
        fields={"Room": {"from": "subject", "pattern": "a"}},
        when={"all": [{"subject contains": "a"}, {"size over": "1 MB"}]},
        then=[{"notify": "lead@example.org"}],
    )
    assert MailHandler.model_validate(made.model_dump()) == made
    assert MailHandler.model_validate(made.model_dump(mode="json")) == made


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Status", ""),
        ("due", ""),
        ("room", ""),
        ("floor", "there is no field 'floor'; use some of: status, priority"),
        ("Description", "Description: no line of a message may set it"),
        ("resolution", "resolution: no line of a message may set it"),
    ],
)
def test_field_commands_name_fields_of_a_project(name: str, problem: str) -> None:
    fields = [CustomField(name="Room", kind="text")]
    project = Project(key="HELP", name="Help", fields=fields)
    proposal = Proposal(
        entries=[entry_of(project), entry_of(handler(field_commands=[name]))], existing={}
    )
    faults = [fault.problem for check in MAIL_HANDLER.checks for fault in check(proposal)]
    assert len(faults) == bool(problem)
    assert not problem or faults[0].startswith(problem)
