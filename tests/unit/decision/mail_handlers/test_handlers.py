"""Mail handlers decide: who takes a message, and what each parameter makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.project import CustomField
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.decide import decide
from postrail.decision.decision import (
    AddComment,
    CreateIssue,
    CreatePerson,
    Decision,
    IssueFields,
    Outcome,
    TextRules,
)
from postrail.decision.facts import Facts, IssueRef, NamedIssue, PersonFact
from postrail.message_parts import Address, Attachment, AuthenticationResult, HeaderField
from postrail.records import MailParsed
from tests.makers.configuration import mail_account, snapshot
from tests.makers.records import mail_parsed

ADA = PersonFact(address="ada@example.org", name="Ada")
BO = PersonFact(address="bo@example.org", name="Bo", agent_of=("HELP",))
HELP_1 = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")
KNOWN = Facts(sender=ADA)
# It answers a message that we sent to its sender.
ANSWER = Facts(conversation_issues=(HELP_1,), sender=ADA, taking_part=(1,), answered_in=(1,))
DONE = replace(ANSWER, done_issues=(1,))


def configured(*handlers: dict[str, Any], **account: Any) -> ConfigurationSnapshot:
    base = snapshot()
    help_desk = base.projects["HELP"].model_copy(
        update={"components": ["Door"], "fields": [CustomField(name="Room", kind="text")]}
    )
    return ConfigurationSnapshot(
        change_id=base.change_id,
        accounts=base.accounts | {"support": mail_account(**account)},
        projects=base.projects | {"HELP": help_desk},
        connections=base.connections,
        priorities={1: "Highest", 2: "High", 3: "Medium", 4: "Low", 5: "Lowest"},
        handlers=tuple(
            MailHandler.model_validate({"name": f"h{place}"} | values)
            for place, values in enumerate(handlers, 1)
        ),
    )


def decided(
    *handlers: dict[str, Any],
    mail: MailParsed | None = None,
    facts: Facts = KNOWN,
    **account: Any,
) -> Decision:
    return decide(mail or mail_parsed(), configured(*handlers, **account), facts)


def created(*handlers: dict[str, Any], **others: Any) -> CreateIssue:
    effect = decided(*handlers, **others).effects[-1]
    assert isinstance(effect, CreateIssue)
    return effect


def test_an_account_without_handlers_has_one_issue_a_conversation() -> None:
    assert decided().outcome is Outcome.ISSUE
    assert decided(facts=ANSWER).outcome is Outcome.COMMENT
    assert created(facts=Facts(sender=ADA, addressed=(BO,))).fields == IssueFields()


def test_the_first_handler_that_takes_a_message_decides() -> None:
    decision = decided(
        {"accounts": ["sales"]},
        {"enabled": False},
        {"when": {"subject starts": "Bug:"}},
        {"kind": "comment"},
        {"labels": ["rest"]},
        {"labels": ["never asked"]},
    )
    assert decision.trace is not None
    assert [(one.handler, one.declined) for one in decision.trace.handlers] == [
        ("h2", "is disabled"),
        ("h3", "does not hold: subject starts: Bug:"),
        ("h4", "finds no issue to comment on"),
        ("h5", ""),
    ]
    effect = decision.effects[0]
    assert isinstance(effect, CreateIssue)
    assert effect.fields.labels == ("rest",)


def test_submissions_are_off_when_all_handlers_are_disabled() -> None:
    decision = decided({"enabled": False}, {"enabled": False})
    assert decision.outcome is Outcome.IGNORED
    assert decision.reason.startswith("submissions are off")


def test_a_message_that_no_handler_takes_is_ignored_with_the_reasons() -> None:
    decision = decided({"when": {"kind is": "bulk"}}, {"kind": "comment"})
    assert decision.outcome is Outcome.IGNORED
    assert "h1: does not hold: kind is: bulk; h2: finds no issue" in decision.reason


@pytest.mark.parametrize(
    ("kind", "facts", "outcome", "text"),
    [
        ("create_or_comment", Facts(), "issue", TextRules(new_text_only=False)),
        ("create_or_comment", ANSWER, "comment", TextRules()),
        ("create", ANSWER, "issue", TextRules(new_text_only=False)),
        ("comment", ANSWER, "comment", TextRules(new_text_only=False)),
        ("comment_reply_text", ANSWER, "comment", TextRules()),
        ("comment_before_pattern", ANSWER, "comment", TextRules(ends_before="^--")),
        ("comment", Facts(), "ignored", None),
        ("comment_reply_text", Facts(), "ignored", None),
        ("comment_before_pattern", Facts(), "ignored", None),
    ],
)
def test_each_kind(kind: str, facts: Facts, outcome: str, text: TextRules | None) -> None:
    decision = decided({"kind": kind, "pattern": "^--"}, facts=facts)
    assert decision.outcome == outcome
    for effect in decision.effects:
        assert isinstance(effect, CreateIssue | AddComment)
        assert effect.text == text


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"issue_type": "bug"}, IssueFields(issue_type="Bug")),
        ({"issue_type": "1"}, IssueFields(issue_type="Bug")),
        ({"issue_type": "unknown"}, IssueFields()),
        ({"priority": "high"}, IssueFields(priority=2)),
        ({"priority": "5"}, IssueFields(priority=5)),
        ({"labels": ["a", "b", "a"]}, IssueFields(labels=("a", "b"))),
        ({"components": ["door", "Roof"]}, IssueFields(components=("Door",))),
        ({"assignee": "Bo@example.org"}, IssueFields(assignee="bo@example.org")),
        ({"default_summary": "(no words)"}, IssueFields(summary="(no words)")),
        ({"fields": {"Room": "12"}}, IssueFields(custom=(("Room", "12"),))),
        (
            {"fields": {"Room": {"from": "subject", "pattern": r"on (\w+)"}}},
            IssueFields(custom=(("Room", "fire"),)),
        ),
        (
            {"fields": {"Room": {"from": "header X-Room", "pattern": r"\d+"}}},
            IssueFields(custom=(("Room", "321"),)),
        ),
        (
            {"fields": {"Room": {"from": "text", "pattern": "burns"}}},
            IssueFields(custom=(("Room", "burns"),)),
        ),
        ({"fields": {"Room": {"from": "text", "pattern": "flood"}}}, IssueFields()),
        (
            {"then": [{"set": {"Priority": "Low", "type": "Task"}}, {"labels": ["x"]}]},
            IssueFields(priority=4, issue_type="Task", labels=("x",)),
        ),
        (
            {"priority": "High", "then": [{"set": {"priority": 1, "labels": ["y"]}}]},
            IssueFields(priority=1, labels=("y",)),
        ),
        (
            {"then": [{"set": {"components": ["Door"], "Room": "7", "assignee": "Bo@x.example"}}]},
            IssueFields(components=("Door",), custom=(("Room", "7"),), assignee="bo@x.example"),
        ),
    ],
)
def test_each_field_of_an_issue(values: dict[str, Any], fields: IssueFields) -> None:
    mail = mail_parsed(headers=[HeaderField(name="X-Room", value="Room 321")])
    assert created(values, mail=mail).fields == fields


def test_the_first_of_the_project_s_people_who_is_addressed_becomes_the_assignee() -> None:
    # Else anybody could mail words to a customer who is a known person.
    facts = Facts(sender=ADA, addressed=(ADA, BO))
    assert created({}, facts=facts).fields.assignee == "bo@example.org"
    assert created({"cc_assignee": False}, facts=facts).fields.assignee == ""
    assert created({"assignee": "c@example.org"}, facts=facts).fields.assignee == "c@example.org"


def test_addressed_persons_and_others_watch() -> None:
    facts = Facts(sender=ADA, addressed=(BO,))
    watching = {"then": [{"watchers": ["Lead@example.org"]}]}
    assert created(watching, facts=facts).watchers == ("lead@example.org",)
    both = watching | {"cc_watchers": True}
    assert created(both, facts=facts).watchers == ("lead@example.org", "bo@example.org")


@pytest.mark.parametrize(
    ("values", "outcome", "project"),
    [
        ({}, "issue", "HELP"),
        ({"project": "SALE"}, "issue", "SALE"),
        ({"then": [{"project": "SALE"}]}, "issue", "SALE"),
        ({"project": "SALE", "then": [{"project": "HELP"}]}, "issue", "HELP"),
    ],
)
def test_the_project(values: dict[str, Any], outcome: str, project: str) -> None:
    assert created(values).project == project


@pytest.mark.parametrize(
    ("closed", "facts", "outcome", "reopens"),
    [
        ("comment", DONE, "comment", False),
        ("reopen", DONE, "comment", True),
        ("reopen", ANSWER, "comment", False),
        ("new_issue", DONE, "issue", None),
        ("new_issue", ANSWER, "comment", False),
        # Who is not proven changes no state.
        ("reopen", replace(DONE, answered_in=()), "comment", False),
        ("reopen", replace(DONE, answered_in=(), taking_part=()), "comment", False),
        # The answer to an internal comment would show what it quotes.
        ("new_issue", replace(DONE, internal_issue=HELP_1), "comment", False),
        ("reopen", replace(DONE, internal_issue=HELP_1), "comment", True),
    ],
)
def test_done_issues(closed: str, facts: Facts, outcome: str, reopens: bool | None) -> None:
    decision = decided({"closed_issues": closed}, facts=facts)
    assert decision.outcome == outcome
    effect = decision.effects[0]
    if isinstance(effect, CreateIssue):
        assert effect.linked_to == HELP_1
    else:
        assert isinstance(effect, AddComment)
        assert effect.reopens is reopens


@pytest.mark.parametrize(
    ("values", "facts", "outcome"),
    [
        ({}, Facts(), "issue"),
        ({"unknown_senders": "ignore"}, Facts(), "ignored"),
        ({"unknown_senders": "quarantine"}, Facts(), "quarantined"),
        ({"unknown_senders": "ignore"}, Facts(sender=ADA), "issue"),
        ({"jira_parameters": "project=HELP"}, Facts(), "ignored"),
        ({"jira_parameters": "project=HELP"}, Facts(sender=ADA), "issue"),
        ({"allowed_senders": [r"@customer\.example$"]}, Facts(), "ignored"),
        ({"allowed_senders": [r"@example\.org$"]}, Facts(), "issue"),
        ({"allowed_senders": [r"@customer\.example$"]}, Facts(sender=ADA), "issue"),
    ],
)
def test_unknown_senders(values: dict[str, Any], facts: Facts, outcome: str) -> None:
    assert decided(values, facts=facts).outcome == outcome


def test_unknown_senders_become_persons() -> None:
    handler = {"create_users": True, "reporter": "bo@example.org"}
    effects = decided(handler, facts=Facts()).effects
    # The confirmation of the issue is the one answer.
    assert effects[0] == CreatePerson(notify=False)
    assert isinstance(effects[1], CreateIssue)
    # createusers goes first: the sender is the reporter then.
    assert (effects[1].reporter, effects[1].text.signed_by) == ("", "")
    assert len(decided(handler).effects) == 1


def test_a_reporter_stands_in_for_unknown_senders() -> None:
    handler = {"reporter": "Bo@example.org"}
    made = created(handler, facts=Facts())
    assert (made.reporter, made.text.signed_by) == ("bo@example.org", "ada@example.org")
    comment = decided(handler, facts=Facts(conversation_issues=(HELP_1,))).effects[0]
    assert isinstance(comment, AddComment)
    assert (comment.author, comment.text.signed_by) == ("bo@example.org", "ada@example.org")
    assert created(handler).reporter == ""


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [("accept", "issue"), ("quarantine", "quarantined"), ("ignore", "ignored")],
)
def test_unverified_senders(policy: str, outcome: str) -> None:
    assert decided({}, unverified_senders=policy).outcome == outcome


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        (Facts(), "issue"),
        (Facts(sender=ADA), "quarantined"),
        (Facts(named_issues=(NamedIssue(issue=HELP_1),), taking_part=(1,)), "quarantined"),
    ],
)
def test_a_failed_verdict_holds_what_claims_to_be_of_a_known_sender(
    facts: Facts, outcome: str
) -> None:

    failed = AuthenticationResult(
        server="mx.example.com", method="dmarc", result="fail", properties=[], position=0
    )
    mail = mail_parsed(authentication=[failed], headers=[HeaderField(name="From", value="")])
    assert decided({}, mail=mail, facts=facts, authserv_ids=["mx.example.com"]).outcome == outcome


@pytest.mark.parametrize(
    ("header", "address", "taken"),
    [
        ("To", "support@example.com", True),
        ("To", "Support+12@example.com", True),
        ("To", "supporter@example.com", False),
        ("Delivered-To", "support@example.com", True),
        ("X-Original-To", "<support@example.com>", True),
        ("Envelope-To", "support@example.com, x@example.com", True),
        ("X-Forwarded-To", "support@example.com", True),
        ("Received", "from a by b for <support@example.com>; Mon", True),
        ("Received", "from a (envelope-from <support@example.com>) by b; Mon", False),
        ("X-Other", "support@example.com", False),
    ],
)
def test_a_catch_address(header: str, address: str, taken: bool) -> None:
    to = [Address(name="", address=address if header == "To" else "list@example.com")]
    headers = [HeaderField(name=header, value=address)]
    decision = decided(
        {"catch_address": "support@example.com"}, mail=mail_parsed(to=to, headers=headers)
    )
    assert decision.outcome == ("issue" if taken else "ignored")
    only_cc = {"catch_address": "support@example.com", "catch_headers": ["Cc"]}
    assert decided(only_cc, mail=mail_parsed(to=to, headers=headers)).outcome == "ignored"


@pytest.mark.parametrize(
    ("rules", "taken", "left_out"),
    [
        ({}, None, ()),
        (
            {"keep": False},
            (),
            ("a.pdf (attachments are switched off)", "b.exe (attachments are switched off)"),
        ),
        ({"max_bytes": 10}, (1,), ("a.pdf (larger than 10 bytes)",)),
        ({"types": ["application/PDF"]}, (0,), ("b.exe (type application/x-exe)",)),
        (
            {"refused_types": ["application/*"]},
            (),
            ("a.pdf (type application/pdf)", "b.exe (type application/x-exe)"),
        ),
        ({"refused_names": [r"\.exe$"]}, (0,), ("b.exe (name)",)),
    ],
)
def test_attachment_rules(
    rules: dict[str, Any], taken: tuple[int, ...] | None, left_out: tuple[str, ...]
) -> None:
    files = [
        Attachment(
            name=name, content_type=kind, size=size, sha256="", content_id=None, inline=False
        )
        for name, kind, size in [
            ("a.pdf", "application/pdf", 11),
            ("b.exe", "application/x-exe", 1),
        ]
    ]
    text = created({"attachments": rules}, mail=mail_parsed(attachments=files)).text
    assert (text.attachments, text.left_out) == (taken, left_out)


@pytest.mark.parametrize(
    ("name", "value", "bulk"),
    [
        ("Precedence", "bulk", True),
        ("Precedence", "list", False),
        ("Auto-Submitted", "auto-replied", True),
        ("Auto-Submitted", "no", False),
        ("Auto-Submitted", "no (by hand)", False),
        ("Auto-Submitted", "No; owner-email=ann@example.com", False),
        ("Auto-Submitted", "", False),
        ("X-Bulk", "bulk", False),
    ],
)
def test_bulk_is_ignored_where_the_handler_says_so(name: str, value: str, bulk: bool) -> None:
    mail = mail_parsed(headers=[HeaderField(name=name, value=value)])
    assert decided({"bulk": "ignore"}, mail=mail).outcome == ("ignored" if bulk else "issue")
    assert decided({}, mail=mail).outcome == "issue"


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ({"ignore_subjects": ["^printer"]}, "ignored"),
        ({"ignore_subjects": ["^fire"]}, "issue"),
        ({"then": [{"drop": "no printers here"}]}, "ignored"),
        ({"then": [{"quarantine": "who sets printers on fire?"}]}, "quarantined"),
    ],
)
def test_a_handler_drops_and_holds(values: dict[str, Any], outcome: str) -> None:
    assert decided(values).outcome == outcome
