"""The comment that a message adds."""

from __future__ import annotations

import pytest

from postrail.decision.decision import AddComment
from postrail.effects.add_comment import comment_draft
from postrail.effects.texts.comment_text import CommentText
from tests.makers.configuration import snapshot
from tests.makers.records import mail_parsed
from tests.unit.effects.works import HELP_1, work

WORK = work(AddComment(issue=HELP_1, muted=False), mail_parsed(text="Water!\n\n> It burns.\n"))


def test_a_comment_holds_the_new_text_and_the_rest_apart() -> None:
    text = CommentText(
        body="Water!", quoted_text="> It burns.", signature="--\nAda", announced="Water!"
    )
    draft = comment_draft(WORK, text, snapshot())
    assert (draft.body, draft.quoted_text, draft.signature, draft.body_blob, draft.reply_blob) == (
        "Water!",
        "> It burns.",
        "--\nAda",
        None,
        None,
    )
    assert (draft.issue_key, draft.author_address) == ("HELP-1", "ada@example.org")


@pytest.mark.parametrize(
    "text",
    [
        CommentText(body="", body_blob="b", announced=""),
        CommentText(body="", reply_blob="r", announced=""),
    ],
)
def test_a_comment_names_the_blobs_of_large_texts(text: CommentText) -> None:
    draft = comment_draft(WORK, text, snapshot())
    assert (draft.body_blob, draft.reply_blob) == (text.body_blob, text.reply_blob)
