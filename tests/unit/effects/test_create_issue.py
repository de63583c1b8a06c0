"""The issue that a message creates."""

from __future__ import annotations

import pytest

from postrail.decision.decision import CreateIssue
from postrail.decision.facts import IssueRef
from postrail.effects.checked_fields import CheckedFields
from postrail.effects.create_issue import NO_SUBJECT, issue_draft, summary_of
from postrail.effects.texts.description import Description
from postrail.people import PersonRow
from postrail.workflow.fields import SUMMARY_CHARACTERS
from tests.makers.configuration import snapshot
from tests.makers.records import calendar_event, mail_parsed
from tests.unit.effects.works import CONVERSATION, work

SNAPSHOT = snapshot()
LEAD = PersonRow(address="lead@example.com")
WHOLE = "Water!\n\n> It burns.\n"


def test_an_issue_holds_the_whole_text() -> None:
    effect = CreateIssue(project="HELP", muted=False)
    description = Description(text=WHOLE, blob="b")
    draft = issue_draft(work(effect, mail_parsed()), description, None, CheckedFields(), SNAPSHOT)
    assert (draft.description, draft.description_blob) == (WHOLE, "b")
    assert (draft.conversation, draft.revision, draft.linked_to) == (CONVERSATION, 1, None)


def test_an_issue_takes_project_and_link_from_the_effect() -> None:
    linked_to = IssueRef(issue_id=7, issue_key="HELP-7", project="HELP")
    effect = CreateIssue(project="SALE", muted=False, linked_to=linked_to)
    description = Description(text=WHOLE)
    draft = issue_draft(work(effect, mail_parsed()), description, LEAD, CheckedFields(), SNAPSHOT)
    assert (draft.project, draft.issue_type, draft.linked_to) == ("SALE", "Request", "HELP-7")
    assert (draft.status, draft.assignee) == ("Open", "lead@example.com")


def test_the_title_of_an_event_takes_the_place_of_a_missing_subject() -> None:
    assert summary_of(mail_parsed(subject="", events=[calendar_event()])) == "Look at the lamp"
    assert summary_of(mail_parsed(subject="Hi", events=[calendar_event()])) == "Hi"


@pytest.mark.parametrize(
    ("subject", "summary"),
    [
        ("Printer on fire", "Printer on fire"),
        # on one line
        ("Printer\r\n\ton  fire", "Printer on fire"),
        ("x" * 1000, "x" * SUMMARY_CHARACTERS),
        (" \n", NO_SUBJECT),
    ],
)
def test_the_subject_becomes_the_summary(subject: str, summary: str) -> None:
    assert summary_of(mail_parsed(subject=subject)) == summary
