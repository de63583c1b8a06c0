"""`postrail issues` on real servers: issues with their comments, and new comments."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from postrail.database import one_connection, rows
from postrail.message_parts import ReplyParts
from postrail.settings import Settings
from tests.makers.commands import Postrail, answer
from tests.makers.installation import PARTS, Filled, replied


def test_issues_are_listed_and_shown(postrail: Postrail, filled: Filled) -> None:
    listed = answer(postrail, "issues", "list", "--project", "HELP", "--status", "Open")
    assert {issue["key"] for issue in listed} == {"HELP-1", "HELP-2"}
    shown = answer(postrail, "issues", "show", "help-1")
    assert shown["description"] == "It burns."
    assert shown["watchers"] == ["ada@example.org"]
    _, output, _ = postrail("issues", "show", "HELP-1")
    assert "It burns." in output
    code, _, errors = postrail("issues", "show", "HELP-9")
    assert code == 1
    assert "there is no issue HELP-9" in errors


@pytest.mark.parametrize(
    ("parts", "large"),
    [
        (PARTS, False),
        # All parts but the new text are only in a blob.
        (PARTS, True),
        # The new text is in the blob, too.
        (replace(PARTS, new_text="Still [bold]burning\x1b." * 5000), True),
    ],
)
def test_the_quoted_text_of_a_comment_is_hidden(
    postrail: Postrail, filled: Filled, settings: Settings, parts: ReplyParts, large: bool
) -> None:
    mail_id = replied(settings, parts, large=large)
    _, short, _ = postrail("issues", "show", "HELP-1")
    assert "Still [bold]burning�." in short
    assert "(quoted text hidden: --full shows it)" in short
    assert "Use water" not in short
    _, full, _ = postrail("issues", "show", "HELP-1", "--full")
    places = [full.index(text) for text in ("burning�.", "> Use water.", "-- \n")]
    assert places == sorted(places)
    assert "hidden" not in full
    (comment,) = answer(postrail, "issues", "show", "HELP-1")["comments"]
    texts = (parts.new_text, parts.quoted_text, parts.signature)
    assert (comment["body"], comment["quoted_text"], comment["signature"]) == texts
    mail = answer(postrail, "mail", "show", mail_id)
    assert (mail["new_text"], mail["quoted_text"], mail["signature"]) == texts
    shown = postrail("mail", "show", mail_id)[1]
    assert shown.index("New text:") < shown.index("burning�.") < shown.index("> Use water.")


def test_a_hidden_signature_is_named(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    replied(settings, replace(PARTS, quoted_text=""), large=False)
    assert "(signature hidden: --full shows it)" in postrail("issues", "show", "HELP-1")[1]


def test_a_comment_without_hidden_parts_has_no_hint(postrail: Postrail, filled: Filled) -> None:
    assert postrail("issues", "comment", "HELP-1", "Fixed.")[0] == 0
    assert "hidden" not in postrail("issues", "show", "HELP-1")[1]


def test_a_comment_is_committed_with_its_notifications(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    done = answer(
        postrail, "issues", "comment", "HELP-1", "Fixed.", "--author", "Agent@example.com"
    )
    assert done["notified"] == ["ada@example.org"]
    (comment,) = answer(postrail, "issues", "show", "HELP-1")["comments"]
    assert (comment["author_address"], comment["author_name"], comment["body"]) == (
        "agent@example.com",
        "An Agent",
        "Fixed.",
    )
    assert [row[0] for row in asyncio.run(outbox(settings))] == [
        "issue.changed",
        "outgoing.queued",
    ]


def test_without_an_author_the_help_desk_comments(postrail: Postrail, filled: Filled) -> None:
    assert postrail("issues", "comment", "HELP-1", "Fixed.")[0] == 0
    (comment,) = answer(postrail, "issues", "show", "HELP-1")["comments"]
    assert (comment["author_address"], comment["author_name"]) == ("desk@example.com", "Help desk")


def test_internal_comments_edits_and_mentions(postrail: Postrail, filled: Filled) -> None:
    agent = ["--author", "agent@example.com"]
    code, output, _ = postrail("issues", "comment", "help-1", "@bob Secret.", "--internal", *agent)
    assert code == 0
    added, unresolved = output.splitlines()
    assert added.startswith("Added internal comment ")
    assert added.endswith("Notified by email: nobody, as the issue has no other watchers.")
    assert unresolved == "Not notified: @bob (nobody has this name)."
    made = answer(postrail, "issues", "comment", "HELP-1", "Fixd.", *agent)
    assert (made["issue_key"], made["internal"]) == ("HELP-1", False)
    edit = ["--edit", str(made["comment_id"])]
    code, output, _ = postrail("issues", "comment", "HELP-1", "Fixed.", *edit, *agent)
    assert (code, output) == (0, f"Edited comment {made['comment_id']} of HELP-1.\n")
    code, _, errors = postrail(
        "issues", "comment", "HELP-1", "x", "--internal", "--author", "eve@example.net"
    )
    assert code == 1
    assert "there is no person with the address 'eve@example.net'" in errors
    assert "Let others write to the project's mailbox" in errors


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["HELP-9", "text"], 1, "there is no issue HELP-9"),
        (["HELP-1", " "], 1, "the comment has no text"),
        (["HELP-1", "text", "--edit", "99"], 1, "HELP-1 has no comment 99"),
        (["HELP-1", "text", "--author", "nobody"], 2, "'nobody' is not an address"),
    ],
)
def test_a_refused_comment_has_its_reason(
    postrail: Postrail, filled: Filled, arguments: list[str], code: int, problem: str
) -> None:
    got, _, errors = postrail("issues", "comment", *arguments)
    assert got == code
    assert problem in errors


async def outbox(settings: Settings) -> list[Any]:
    async with one_connection(settings.database) as connection:
        return await rows(connection, "SELECT topic FROM outbox")
