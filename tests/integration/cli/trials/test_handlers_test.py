"""`postrail handlers test`: messages through a draft, and what is expected of them."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from postrail.settings import Settings
from tests.integration.cli.trials.contents import contents_of_tables
from tests.integration.cli.trials.test_explain import DRAFT, message, write
from tests.makers.commands import Postrail, answer
from tests.makers.installation import Filled, take_effect
from tests.makers.parsing import made


@pytest.fixture
def folder(postrail: Postrail, filled: Filled, tmp_path: Path) -> Path:
    """Returns a folder with two messages, beside a draft."""
    (tmp_path / "draft.yaml").write_text(DRAFT)
    messages = tmp_path / "messages"
    messages.mkdir()
    write(messages, message("a crash"), "bug.eml")
    write(messages, message("hello", X_Spam_Flag="YES"), "spam.eml")
    return messages


def expect(file: Path, expected: dict[str, Any], **more: Any) -> None:
    content = {"account": "support", "expected": expected, **more}
    file.with_suffix(".expected.json").write_text(json.dumps(content))


def test_a_folder_runs_through_a_draft_and_nothing_is_written(
    postrail: Postrail, settings: Settings, folder: Path
) -> None:
    before = contents_of_tables(settings)
    code, output, _ = postrail("handlers", "test", "messages", "--config", "draft.yaml")
    assert contents_of_tables(settings) == before
    assert code == 0
    rows = [" ".join(line.split()) for line in output.splitlines()]
    assert rows[1:3] == [
        "messages/bug.eml support bugs issue new in HELP no known conversation",
        "messages/spam.eml support spam quarantined handler spam: it looks like spam",
    ]
    assert rows[-1] == "2 messages, 0 with an expectation."


def test_what_is_not_as_expected_is_said_and_gives_code_1(postrail: Postrail, folder: Path) -> None:
    expect(folder / "bug.eml", {"outcome": "issue", "handlers": [["implicit", ""]]})
    expect(folder / "spam.eml", {"outcome": "issue"})
    code, output, _ = postrail("handlers", "test", "messages")
    assert code == 0
    assert "2 messages, 2 with an expectation, 0 not as expected." in output
    code, output, _ = postrail("handlers", "test", "messages", "--config", "draft.yaml", "--json")
    assert code == 1
    assert [one["differs"] for one in json.loads(output)] == [
        ["handlers: spam does not hold: header X-Spam-Flag is: YES instead of implicit "],
        ["outcome: quarantined instead of issue"],
    ]


def test_the_facts_of_an_expectation_go_before_those_of_the_installation(
    postrail: Postrail, folder: Path
) -> None:
    issue = {"issue_id": 77, "issue_key": "HELP-77", "project": "HELP"}
    facts = {"conversation_issues": [issue], "taking_part": [77]}
    expect(
        folder / "bug.eml",
        {"outcome": "comment", "effects": [["AddComment", {"issue": "HELP-77"}]]},
        facts=facts,
        received_at="2026-01-01T12:00:00+00:00",
    )
    [found] = answer(postrail, "handlers", "test", "messages/bug.eml")
    assert (found["outcome"], found["issue_key"], found["differs"]) == ("comment", "HELP-77", [])


@pytest.mark.parametrize(
    "given",
    [
        *("{", "[]", "{}", '{"account": "support", "expected": 1}'),
        '{"account": "support", "expected": {"outcom": "issue"}}',
    ],
)
def test_a_wrong_expectation_is_a_problem_of_its_message_only(
    postrail: Postrail, folder: Path, given: str
) -> None:
    (folder / "bug.expected.json").write_text(given)
    expect(folder / "spam.eml", {"outcome": "issue"})
    code, output, _ = postrail("handlers", "test", "messages", "--json")
    assert code == 1
    bug, spam = json.loads(output)
    assert "messages/bug.expected.json" in bug["problem"]
    assert (spam["problem"], spam["differs"]) == ("", [])


def test_a_message_without_an_account_is_named_among_the_others(
    postrail: Postrail, folder: Path
) -> None:
    (folder / "bug.eml").write_bytes(b"To: nobody@example.net\n\nx")
    code, output, _ = postrail("handlers", "test", "messages", "--json")
    assert code == 1
    assert [(one["problem"], one.get("outcome")) for one in json.loads(output)] == [
        ("it is addressed to no mail account: nobody@example.net", None),
        ("", "issue"),
    ]
    assert answer(postrail, "handlers", "test", "messages/bug.eml", "--account", "support")


def test_a_folder_without_messages_is_named(postrail: Postrail, folder: Path) -> None:
    (folder / "empty").mkdir()
    code, _, errors = postrail("handlers", "test", "messages/empty")
    assert (code, "holds no .eml file" in errors) == (1, True)


def test_the_first_difference_stands_in_the_table(postrail: Postrail, folder: Path) -> None:
    expected = {"outcome": "comment", "handler": "x", "effects": [["AddComment", {}]]}
    expect(folder / "bug.eml", expected)
    (folder / "spam.eml").write_bytes(b"To: nobody@example.net\n\nx")
    code, output, _ = postrail("handlers", "test", "messages")
    assert code == 1
    rows = [" ".join(line.split()) for line in output.splitlines()]
    assert rows[1].endswith("outcome: issue instead of comment (2 more)")
    assert rows[-1] == "2 messages, 1 not decided, 1 with an expectation, 1 not as expected."


def test_a_plus_address_is_that_of_its_account(postrail: Postrail, folder: Path) -> None:
    (folder / "bug.eml").write_bytes(b"To: support+12@example.com\n\nx")
    [found] = answer(postrail, "handlers", "test", "messages/bug.eml")
    assert (found["account"], found["problem"]) == ("support", "")


def test_a_note_names_its_file(postrail: Postrail, folder: Path, settings: Settings) -> None:
    raw = message("a crash", Message_ID="<seen@b.org>")
    record = made(raw, mail_id=str(uuid.uuid4())).record
    asyncio.run(take_effect(settings, record, []))
    (folder / "bug.eml").write_bytes(raw)
    _, output, _ = postrail("handlers", "test", "messages")
    assert f"Note: messages/bug.eml: it was handled as message {record.mail_id}" in output
