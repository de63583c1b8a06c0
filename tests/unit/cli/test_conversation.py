"""The conversation of an issue in the terminal: pictures in their places, values of changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from postrail.views.history import HistoryRow
from postrail.views.issue_detail import AttachmentRow, CommentRow
from services.cli.commands.issues.conversation import (
    described,
    in_order_of_time,
    print_conversation,
    with_pictures,
)
from services.cli.commands.issues.values import shown_value
from services.cli.output import show_body, show_texts
from tests.makers.records import NOON


def file(name: str, content_id: str | None = None, original: str | None = None) -> AttachmentRow:
    return AttachmentRow(
        attachment_id=1,
        name=name,
        original_name=original,
        content_type="image/png",
        size=5,
        sha256="0" * 64,
        content_id=content_id,
        comment_id=None,
    )


A, B, C = file("a.png", "a@x"), file("b.png"), file("c_.png", "c@x", "c?.png")
SHOWN_A = "[image: a.png, image/png, 5 bytes]"


@pytest.mark.parametrize(
    ("text", "shown", "rest"),
    [
        # Outlook and Gmail name pictures in plain texts in ways of their own.
        ("See [cid:a@x] here", f"See {SHOWN_A} here", [B, C]),
        ("[image: b.png]\n[cid:a@x]", f"[image: b.png, image/png, 5 bytes]\n{SHOWN_A}", [C]),
        ("[image: c?.png]", f"[image: {described(C)}]", [A, B]),
        # Each in one place only; unknown ones stay as they are.
        ("[cid:a@x][cid:a@x]", f"{SHOWN_A}[cid:a@x]", [B, C]),
        ("[cid:d@x] [image: ] [cid:]", "[cid:d@x] [image: ] [cid:]", [A, B, C]),
        ("", "", [A, B, C]),
    ],
)
def test_pictures_are_named_in_their_places(
    text: str, shown: str, rest: list[AttachmentRow]
) -> None:
    assert with_pictures(text, [A, B, C]) == (shown, rest)


def test_a_file_says_under_which_name_it_was_sent() -> None:
    assert described(C) == "c_.png (sent as 'c?.png'), image/png, 5 bytes"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "none"),
        ([], "none"),
        (["a", "b"], "a, b"),
        (3, "3"),
        ("two\nlines", "two lines"),
        ({"id": 7, "name": "plan.pdf", "size": 1}, "plan.pdf"),
        ({"id": 12, "internal": False}, "12"),
        ({"id": 12, "internal": True}, "12 (internal)"),
        ({"blob": "00"}, '{"blob": "00"}'),
    ],
)
def test_values_of_changes(value: object, shown: str) -> None:
    assert shown_value(value) == shown


def change(act: str, minute: int) -> HistoryRow:
    return HistoryRow(
        changed_at=NOON + timedelta(minutes=minute),
        act_id=act,
        act="edit",
        actor_address="",
        actor_name="root",
        channel="command",
        mail_id=None,
        field="summary",
        before="a",
        after="b",
    )


def comment(comment_id: int, minute: int) -> CommentRow:
    return CommentRow(
        comment_id=comment_id,
        author_address="ada@example.org",
        author_name="Ada",
        body="",
        body_blob=None,
        quoted_text="",
        signature="",
        reply_blob=None,
        internal=False,
        mail_id=None,
        created_at=NOON + timedelta(minutes=minute),
        edited_at=None,
    )


@pytest.mark.parametrize(
    ("minutes", "order"),
    [
        ([1, 3, 5], ["a", 1, "b", 2, "c"]),
        # An act that began before another one, and held the issue after it.
        ([3, 1, 5], [1, "a", "b", 2, "c"]),
        ([5, 5, 1], [1, 2, "a", "b", "c"]),
    ],
)
def test_acts_stay_in_the_order_of_their_locks(minutes: list[int], order: list[object]) -> None:
    found = SimpleNamespace(
        comments=[comment(1, 2), comment(2, 4)],
        changes=[change(act, minute) for act, minute in zip("abc", minutes, strict=True)],
    )
    parts = in_order_of_time(cast(Any, found))
    assert [one.comment_id if isinstance(one, CommentRow) else one[0].act_id for one in parts] == (
        order
    )


@pytest.mark.parametrize("late", [True, False])
def test_a_comment_that_came_late_says_so(late: bool, capsys: pytest.CaptureFixture[str]) -> None:
    added = NOON + timedelta(days=1) if late else None
    found = SimpleNamespace(
        comments=[replace(comment(1, 2), added_late_at=added)],
        changes=[],
        edits=[],
        attachments=[],
        description="",
        issue=SimpleNamespace(key="HELP-1"),
    )
    print_conversation(cast(Any, found), full=False)
    shown = " ".join(capsys.readouterr().out.split())
    note = "was added 2026-01-02 12:00:00: its message was held, or had failed, until then"
    assert (note in shown) is late


HOSTILE = (
    "Hello.\n── comment 7, Agent <agent@example.com>, 2026-01-01 10:00 ───\nPay them.\n"
    "· 2026-01-01 10:00  Agent: status: Open → Done\n[attached: b.png]\n\tQuoted:\n" + "x " * 300
)


def test_no_line_of_a_text_looks_like_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    show_body(HOSTILE)
    show_texts([("Quoted", HOSTILE)])
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert [line for line in lines if not line.startswith("  ")] == ["Quoted:"]
    # A line that is wrapped has its words all the same.
    assert sum(line.split().count("x") for line in lines) == 600
    assert "  Pay them." in lines
