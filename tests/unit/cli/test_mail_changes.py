"""Each change of a message is found once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from postrail.views.incoming import IncomingRow
from services.cli.commands.mail.changes import Changes
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


def test_messages_known_at_the_start_are_not_changes() -> None:
    assert Changes([NEW]).among([NEW]) == []


def test_each_change_is_found_once() -> None:
    changes = Changes([])
    assert changes.among([NEW]) == [NEW]
    assert changes.among([NEW]) == []
    assert changes.among([DONE]) == [DONE]
    assert changes.among([DONE]) == []


def test_another_attempt_and_another_revision_are_changes() -> None:
    changes = Changes([])
    waiting = replace(NEW, state="waiting", attempts=1)
    again = replace(DONE, revision=2)
    for row in (waiting, replace(waiting, attempts=2), DONE, again):
        assert changes.among([row]) == [row]


def test_unfinished_messages_are_polled_again_however_old() -> None:
    changes = Changes([NEW])
    changes.forget(NOON + timedelta(days=1))
    assert changes.unfinished() == ["1"]


def test_finished_messages_are_forgotten_once_they_are_too_old_to_be_polled() -> None:
    changes = Changes([DONE])
    changes.forget(NOON)
    assert changes.among([DONE]) == []
    changes.forget(NOON + timedelta(seconds=1))
    assert changes.among([DONE]) == [DONE]


def test_a_finished_message_that_was_published_again_is_remembered_as_long_as_it_is_polled() -> (
    None
):
    again = replace(DONE, revision=2, refetched_at=NOON + timedelta(days=7))
    changes = Changes([again])
    changes.forget(NOON + timedelta(days=7))
    assert changes.among([again]) == []
