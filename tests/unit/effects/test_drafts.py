"""Decisions to drafts and notifications: who says what, and who is told what."""

from __future__ import annotations

from email import message_from_bytes

from postrail.configuration.mail_account import MailAccount
from postrail.configuration.outgoing_connection import OutgoingConnection
from postrail.configuration.project import Project
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.decide import Decision
from postrail.effects.comment_text import CommentText
from postrail.effects.drafts import Decided, comment_draft, issue_draft, notifications
from postrail.incoming.queue import DueMail
from postrail.records import BlobReference, MailParsed
from postrail.tracker.issues import Audience, Watcher
from tests.makers.records import NOON, mail_parsed

CONVERSATION = "11111111-1111-1111-1111-111111111111"
ROUTING = ConfigurationSnapshot(
    accounts={
        "support": MailAccount(
            name="support",
            host="imap.example.com",
            username="u",
            password="env:POSTRAIL_SECRET_X",
            address="support@example.com",
            project="HELP",
        )
    },
    projects={"HELP": Project(key="HELP", name="Help desk")},
    connections={
        "out": OutgoingConnection(
            name="out", host="smtp.example.com", from_address="desk@example.com", is_default=True
        )
    },
)
AUDIENCE = Audience(
    issue_key="HELP-1",
    project="HELP",
    summary="Printer on fire",
    conversation=CONVERSATION,
    first_message_id=None,
    watchers=(Watcher(address="bo@example.org", name="Bo"),),
)
WHOLE = "Water!\n\n> It burns.\n"


def decided(outcome: str, mail: MailParsed, text: CommentText | None = None) -> Decided:
    due = DueMail(mail=mail, conversation=CONVERSATION, queue=CONVERSATION, attempts=0, revision=0)
    decision = Decision(outcome=outcome, reason="", issue_key="HELP-1", answers=True)
    return Decided(due=due, decision=decision, text=text)


def test_a_comment_has_what_is_new_and_the_rest_apart() -> None:
    text = CommentText(body="Water!", quoted_text="> It burns.", signature="--\nAda", told="Water!")
    draft = comment_draft(decided("comment", mail_parsed(text=WHOLE), text))
    assert (draft.body, draft.quoted_text, draft.signature, draft.body_blob, draft.reply_blob) == (
        "Water!",
        "> It burns.",
        "--\nAda",
        None,
        None,
    )


def test_a_comment_names_the_blobs_of_what_is_large() -> None:
    for text in (
        CommentText(body="", body_blob="b", told=""),
        CommentText(body="", reply_blob="r", told=""),
    ):
        draft = comment_draft(decided("comment", mail_parsed(), text))
        assert (draft.body_blob, draft.reply_blob) == (text.body_blob, text.reply_blob)


def test_watchers_are_told_what_is_new_only() -> None:
    text = CommentText(body="", reply_blob="r", told="Water!")
    one = decided("comment", mail_parsed(text=WHOLE), text)
    (queued,) = notifications(one, AUDIENCE, ROUTING, b"key", NOON)
    told = str(message_from_bytes(queued.message or b"").get_payload())
    assert "Water!" in told
    assert "It burns." not in told


def test_an_issue_has_the_whole_text() -> None:
    blob = BlobReference(sha256="b", size=9)
    draft = issue_draft(decided("issue", mail_parsed(text=WHOLE, text_blob=blob)), ROUTING)
    assert (draft.description, draft.description_blob) == (WHOLE, "b")
