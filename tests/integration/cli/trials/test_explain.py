"""`postrail explain` and `postrail mail show --trace`: decisions with their traces, no effects."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path

import pytest

from postrail.database import one_connection, rows
from postrail.settings import Settings
from tests.integration.cli.trials.contents import contents_of_tables
from tests.makers.commands import Postrail, answer
from tests.makers.installation import Filled, take_effect
from tests.makers.parsing import made

DRAFT = """\
handlers:
  - name: spam
    order: 1
    when: {header X-Spam-Flag is: "YES"}
    then: [{quarantine: it looks like spam}]
  - name: bugs
    order: 2
    when: {subject contains: crash}
    issue_type: Bug
    priority: High
    labels: [from-mail]
  - name: rest
    order: 3
"""


def message(subject: str, **fields: str) -> bytes:
    given = {"From": "Ada <ada@example.org>", "To": "support@example.com", "Subject": subject}
    given |= {name.replace("_", "-"): value for name, value in fields.items()}
    head = "".join(f"{name}: {value}\n" for name, value in given.items())
    return f"{head}\nIt burns.\n".encode()


@pytest.fixture
def draft(postrail: Postrail, tmp_path: Path) -> str:
    (tmp_path / "draft.yaml").write_text(DRAFT)
    return "draft.yaml"


def write(folder: Path, raw: bytes, name: str = "message.eml") -> str:
    (folder / name).write_bytes(raw)
    return name


def message_id_of(settings: Settings, mail_id: str) -> str:
    async def read() -> str:
        async with one_connection(settings.database) as connection:
            [(found,)] = await rows(
                connection, "SELECT message_id FROM incoming_mail WHERE mail_id = %s", [mail_id]
            )
            return str(found)

    return asyncio.run(read())


def test_an_answer_is_explained_with_its_trace_and_changes_nothing(
    postrail: Postrail, filled: Filled, settings: Settings, tmp_path: Path
) -> None:
    known = message_id_of(settings, filled.inline)
    file = write(tmp_path, message("Re: TICKET-9", In_Reply_To=known, Message_ID="<new@b.org>"))
    before = contents_of_tables(settings)
    [found] = answer(postrail, "explain", file, "--account", "support")
    code, output, _ = postrail("explain", file, "--account", "support")
    assert contents_of_tables(settings) == before
    assert (found["outcome"], found["issue_key"]) == ("comment", "HELP-1")
    assert found["trace"]["facts"]["tried"] == [["id", known, "HELP-1"], ["key", "TICKET-9", ""]]
    assert [one["effect"] for one in found["effects"]] == ["AddComment"]
    assert code == 0
    for line in (
        "Outcome        comment",
        "Verified       none (account support has no authserv_ids)",
        "  same_message: passed",
        "  handlers: comment",
        "  implicit: takes it",
        f"  id {known}: HELP-1",
        "  key TICKET-9: nothing",
        "  add comment (issue: HELP-1",
    ):
        assert line in output


def test_a_draft_decides_in_the_place_of_what_is_stored(
    postrail: Postrail, filled: Filled, settings: Settings, tmp_path: Path, draft: str
) -> None:
    files = [
        write(tmp_path, message("a crash"), "bug.eml"),
        write(tmp_path, message("a crash", X_Spam_Flag="YES"), "spam.eml"),
        write(tmp_path, message("hello"), "hello.eml"),
    ]
    before = contents_of_tables(settings)
    found = answer(postrail, "explain", *files, "--account", "support", "--config", draft)
    assert contents_of_tables(settings) == before
    assert [(one["file"], one["outcome"], one["trace"]["handlers"]) for one in found] == [
        ("bug.eml", "issue", [["spam", "does not hold: header X-Spam-Flag is: YES"], ["bugs", ""]]),
        ("spam.eml", "quarantined", [["spam", ""]]),
        (
            "hello.eml",
            "issue",
            [
                ["spam", "does not hold: header X-Spam-Flag is: YES"],
                ["bugs", "does not hold: subject contains: crash"],
                ["rest", ""],
            ],
        ),
    ]
    fields = found[0]["effects"][0]["fields"]
    assert (fields["issue_type"], fields["priority"], fields["labels"]) == ("Bug", 2, ["from-mail"])


def test_an_observer_explains_without_the_keys_and_says_so(
    postrail: Postrail, filled: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRAIL_OBSERVER", "true")
    file = write(tmp_path, message("hello"))
    [found] = answer(postrail, "explain", file, "--account", "support")
    assert found["outcome"] == "issue"
    assert "because the keys are not known" in found["notes"][0]


def test_faults_of_a_draft_are_named_by_line_and_change_nothing(
    postrail: Postrail, filled: Filled, tmp_path: Path
) -> None:
    (tmp_path / "draft.yaml").write_text("handlers:\n  - name: x\n    project: NONE\n")
    file = write(tmp_path, message("hello"))
    code, _, errors = postrail("explain", file, "--account", "support", "--config", "draft.yaml")
    assert code == 2
    assert "draft.yaml:3: handler 'x', project: there is no project 'NONE'" in errors


def test_a_message_that_was_handled_is_explained_as_if_it_were_new(
    postrail: Postrail, filled: Filled, settings: Settings, tmp_path: Path
) -> None:
    raw = message("a crash", Message_ID="<seen@b.org>")
    parsed = made(raw, mail_id=str(uuid.uuid4())).record
    asyncio.run(take_effect(settings, parsed, []))
    [found] = answer(postrail, "explain", write(tmp_path, raw), "--account", "support")
    assert found["outcome"] == "issue"
    assert found["notes"] == [
        f"it was handled as message {parsed.mail_id} before, and would be a duplicate in that"
        " mailbox: this is what a new message like it would become"
    ]


def test_an_account_that_does_not_exist_and_a_missing_file_are_named(
    postrail: Postrail, filled: Filled, tmp_path: Path
) -> None:
    file = write(tmp_path, message("hello"))
    code, _, errors = postrail("explain", file, "--account", "suport")
    assert (code, "Did you mean 'support'?" in errors) == (1, True)
    code, _, errors = postrail("explain", "none.eml", "--account", "support")
    assert (code, "none.eml cannot be read: No such file or directory" in errors) == (1, True)


def test_a_stored_trace_is_shown_whole_by_the_configuration_of_its_time(
    postrail: Postrail, filled: Filled, settings: Settings, tmp_path: Path, draft: str
) -> None:
    assert postrail("apply", "-f", draft)[0] == 0
    parsed = made(message("a crash"), mail_id=str(uuid.uuid4())).record
    asyncio.run(take_effect(settings, parsed, []))
    (tmp_path / "later.yaml").write_text(DRAFT.replace("crash", "smash").replace("rest", "other"))
    assert postrail("apply", "-f", "later.yaml")[0] == 0
    before = contents_of_tables(settings)
    found = answer(postrail, "mail", "show", parsed.mail_id, "--trace")
    _, output, _ = postrail("mail", "show", parsed.mail_id[:12], "--trace")
    assert contents_of_tables(settings) == before
    assert (found["outcome"], found["notes"]) == ("issue", [])
    assert found["issue_key"] == "HELP-3"
    assert found["made"][0] == ["create_issue", "HELP-3"]
    assert [one[0] for one in found["made"]] == ["create_issue", "outgoing"]
    assert found["trace"]["handlers"] == [
        ["spam", "does not hold: header X-Spam-Flag is: YES"],
        ["bugs", ""],
    ]
    for line in (
        f"Mail     {parsed.mail_id}",
        "Issue    HELP-3",
        f"Configuration  version {found['trace']['change_id']}",
        "  spam: does not hold: header X-Spam-Flag is: YES",
        "  bugs: takes it",
        "Made:\n  create_issue HELP-3\n  outgoing ",
        "  create issue (project: HELP; issue type: Bug; priority: 2; labels: from-mail",
    ):
        assert line in output


def test_another_decision_of_this_release_is_said(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    async def forge() -> None:
        async with one_connection(settings.database) as connection:
            await connection.execute("UPDATE incoming_mail SET outcome = 'ignored'")

    asyncio.run(forge())
    found = answer(postrail, "mail", "show", filled.inline, "--trace")
    assert found["notes"] == [
        "this release decides otherwise than the one that handled the message: its outcome was"
        " ignored"
    ]


def test_a_message_without_a_trace_is_named_with_its_reason(
    postrail: Postrail, filled: Filled
) -> None:
    code, _, errors = postrail("mail", "show", filled.fetched, "--trace")
    assert (code, "has no trace: it is not decided yet" in errors) == (1, True)


def test_without_an_installation_a_draft_decides_alone(
    tmp_path: Path, postrail: Postrail, monkeypatch: pytest.MonkeyPatch, draft: str
) -> None:
    monkeypatch.setenv("POSTRAIL_DATABASE__URL", "postgresql://postrail@127.0.0.1:1/none")
    monkeypatch.setenv("POSTRAIL_SECRET_X", "secret")
    (tmp_path / "draft.yaml").write_text(
        DRAFT + "projects: [{key: HELP, name: Help}]\n"
        "connections: [{name: out, host: h.example, from_address: a@b.example, is_default: true}]\n"
        "accounts: [{name: support, host: h.example, username: x, project: HELP,"
        " password: 'env:POSTRAIL_SECRET_X', address: support@example.com}]\n"
    )
    file = write(tmp_path, message("a crash"))
    [found] = answer(postrail, "explain", file, "--account", "support", "--config", draft)
    assert found["notes"][0].startswith("decided without an installation")
    assert (found["outcome"], found["effects"][0]["fields"]["priority"]) == ("issue", 2)
    code, _, errors = postrail("explain", file, "--account", "support")
    assert (code, "PostgreSQL" in errors) == (1, True)
    (tmp_path / "part.yaml").write_text("handlers: [{name: x, accounts: [ops]}]\n")
    code, _, errors = postrail("explain", file, "--account", "ops", "--config", "part.yaml")
    assert (code, "part.yaml:1: handler 'x', accounts: there is no account 'ops'" in errors) == (
        2,
        True,
    )
    assert "No installation was found, so the file has to be complete" in " ".join(errors.split())
    assert json.dumps(found)
