"""Field commands: which lines are commands, whose are obeyed, and what is left of the text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decide import decide
from postrail.decision.decision import AddComment, CreateIssue, Decision, FieldCommand
from postrail.decision.facts import Facts, IssueRef, PersonFact
from postrail.decision.mail_handlers.field_commands import read_commands
from postrail.message_parts import ReplyParts
from postrail.records import MailParsed
from tests.makers.configuration import mail_account, snapshot
from tests.makers.records import AUTHSERV_ID, mail_parsed, verified

ALLOWED = ["priority", "Status", "Room number"]
HELP_1 = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")
AGENT = PersonFact(address="ada@example.org")
BY_AGENT = Facts(conversation_issues=(HELP_1,), sender=AGENT, insider_in=(1,), agent_of=("HELP",))
BY_CUSTOMER = Facts(conversation_issues=(HELP_1,), sender=AGENT, taking_part=(1,))
TEXT = "#priority high\nStatus: done\n\nThe lamp is new."
COMMANDS = (
    FieldCommand(field="priority", value="high"),
    FieldCommand(field="status", value="done"),
)


@pytest.mark.parametrize(
    ("text", "lines", "commands"),
    [
        ("#priority high\nText", 1, [("priority", "high")]),
        ("#Priority=High", 1, [("priority", "High")]),
        ("#priority = high", 1, [("priority", "high")]),
        ("#priority: high", 1, [("priority", "high")]),
        ("Status: in progress\nText", 1, [("Status", "in progress")]),
        (
            "\n \n  status:   done  \n\n#priority 1\nText",
            5,
            [("Status", "done"), ("priority", "1")],
        ),
        ("#room_number 12", 1, [("Room number", "12")]),
        ("Room number: 12", 1, [("Room number", "12")]),
        ("ROOM-NUMBER: 12\r\nText", 1, [("Room number", "12")]),
        # Only what is allowed is a command, and the first other line ends them.
        ("#assignee ada\n#priority high", 0, []),
        ("Hello,\n#priority high", 0, []),
        ("#priority high\nHello,\nStatus: done", 1, [("priority", "high")]),
        ("Note: the lamp\nStatus: done", 0, []),
        # What only looks like one.
        ("#12 is broken", 0, []),
        ("#priority", 0, []),
        ("Status:", 0, []),
        ("Status:done", 0, []),
        ("> Status: done", 0, []),
        ("The Status: done", 0, []),
        ("", 0, []),
        ("priority high", 0, []),
    ],
)
def test_which_lines_are_commands(text: str, lines: int, commands: list[tuple[str, str]]) -> None:
    found = tuple(FieldCommand(field=name, value=value) for name, value in commands)
    assert read_commands(text, ALLOWED) == (lines, found)


def test_a_message_has_few_commands() -> None:
    lines, commands = read_commands("#priority high\n" * 1000, ALLOWED)
    assert (lines, len(commands)) == (20, 20)


def test_reading_takes_linear_time() -> None:
    assert read_commands("a " * 500_000 + "\n" + ": " * 500_000, ALLOWED) == (0, ())


def decided(mail: MailParsed, facts: Facts, **handler: Any) -> Decision:
    base = snapshot()
    values = {"name": "h", "field_commands": ["priority", "status"]} | handler
    configured = replace(
        base,
        accounts=base.accounts | {"support": mail_account(authserv_ids=[AUTHSERV_ID])},
        handlers=(MailHandler.model_validate(values),),
    )
    return decide(mail, configured, facts)


def effect_of(decision: Decision) -> AddComment | CreateIssue:
    effect = decision.effects[-1]
    assert isinstance(effect, AddComment | CreateIssue)
    return effect


@pytest.mark.parametrize(
    ("mail", "facts", "handler", "reason"),
    [
        (verified(mail_parsed(text=TEXT)), BY_AGENT, {}, "field commands found: priority, status"),
        # Off by default: the lines are text, without a word about it.
        (verified(mail_parsed(text=TEXT)), BY_AGENT, {"field_commands": []}, ""),
        (mail_parsed(text=TEXT), BY_AGENT, {}, "are text (priority, status): the sender is not"),
        (
            verified(mail_parsed(text=TEXT)),
            BY_CUSTOMER,
            {},
            "are text (priority, status): the sender is no agent of HELP",
        ),
        (
            verified(mail_parsed(text=TEXT, kind="auto_reply")),
            BY_AGENT,
            {},
            "are text (priority, status): the message is auto_reply",
        ),
    ],
)
def test_whose_commands_are_obeyed(
    mail: MailParsed, facts: Facts, handler: dict[str, Any], reason: str
) -> None:
    for created in (False, True):
        known = replace(facts, conversation_issues=()) if created else facts
        decision = decided(mail, known, **handler)
        effect = effect_of(decision)
        obeyed = reason.startswith("field commands found:")
        assert effect.commands == (COMMANDS if obeyed else ())
        assert effect.text.skipped_lines == (2 if obeyed else 0)
        assert reason in decision.reason
        assert ("field commands" in decision.reason) is bool(reason)


@pytest.mark.parametrize(
    ("mail", "kind", "lines"),
    [
        # The new text of a reply, whatever it quotes.
        (
            {"text": "> Q\n#priority high\nA", "reply": ("#priority high\nA", "> Q")},
            "create_or_comment",
            1,
        ),
        ({"text": "Q\n> #priority high", "reply": ("Q", "> #priority high")}, "comment", 0),
        ({"text": "#priority high\nA\n> Q", "reply": ("#priority high\nA", "> Q")}, "comment", 1),
        # Of what is in a blob, the record has the beginning.
        ({"text": "", "text_beginning": "#priority high\nA"}, "create_or_comment", 1),
        (
            {"text": "> Q\n#priority high\nA", "new_text_beginning": "#priority high\nA"},
            "create_or_comment",
            1,
        ),
        (
            {"text": "#priority high\n> Q\nA", "new_text_beginning": "A"},
            "create_or_comment",
            0,
        ),
        # A message of commands alone keeps them as its text.
        ({"text": "#priority high\n"}, "create_or_comment", 0),
    ],
)
def test_the_lines_leave_the_text(mail: dict[str, Any], kind: str, lines: int) -> None:
    if "reply" in mail:
        new, quoted = mail["reply"]
        mail["reply"] = ReplyParts(
            new_text=new,
            quoted_text=quoted,
            signature="",
            new_html="",
            quoted_html="",
            signature_html="",
        )
    effect = effect_of(decided(verified(mail_parsed(**mail)), BY_AGENT, kind=kind))
    assert effect.text.skipped_lines == lines
    has_command = mail["text"] != "Q\n> #priority high" and mail.get("new_text_beginning") != "A"
    assert bool(effect.commands) is has_command
