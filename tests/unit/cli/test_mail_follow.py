"""Following tells of each change of a mail once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from postrail.views.incoming import IncomingRow
from services.cli.commands.mail_follow import Following
from tests.makers.records import NOON

NEW = IncomingRow(
    mail_id="1",
    mailbox="help",
    state="new",
    subject="",
    sender="",
    size=1,
    received_at=None,
    fetched_at=NOON,
    handled_at=None,
    due_at=None,
    attempts=0,
    revision=0,
    outcome=None,
    reason=None,
    issue_key=None,
    comment_id=None,
)
DONE = replace(NEW, state="done", revision=1)


def test_what_was_there_at_the_start_is_no_news() -> None:
    assert Following([NEW]).news([NEW]) == []


def test_each_change_is_told_once() -> None:
    following = Following([])
    assert following.news([NEW]) == [NEW]
    assert following.news([NEW]) == []
    assert following.news([DONE]) == [DONE]
    assert following.news([DONE]) == []


def test_another_try_and_another_revision_are_changes() -> None:
    following = Following([])
    waiting = replace(NEW, state="waiting", attempts=1)
    again = replace(DONE, revision=2)
    for row in (waiting, replace(waiting, attempts=2), DONE, again):
        assert following.news([row]) == [row]


def test_unfinished_mails_are_looked_at_again_however_old() -> None:
    following = Following([NEW])
    following.forget(NOON + timedelta(days=1))
    assert following.unfinished() == ["1"]


def test_finished_mails_are_forgotten_once_no_look_brings_them() -> None:
    following = Following([DONE])
    following.forget(NOON)
    assert following.news([DONE]) == []
    following.forget(NOON + timedelta(seconds=1))
    assert following.news([DONE]) == [DONE]
