"""The text of a comment: what is new, what is kept apart from it, and where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postrail.blobs import BlobStore
from postrail.decision.decision import TextRules
from postrail.effects.texts.comment_text import (
    BODY_MAX_CHARACTERS,
    CommentText,
    beginning_of_text,
    comment_text,
)
from postrail.incoming.reply_parts import parts_from
from postrail.message_parts import ReplyParts
from postrail.records import BlobReference, MailParsed
from postrail.tracker import BEGINNING_CHARACTERS
from tests.makers.parsing import contents, made
from tests.makers.records import calendar_event, mail_parsed

WHOLE = "Water!\n\n> It burns.\n\n-- \nAn Agent"
GONE = BlobReference(sha256="0" * 64, size=1)


def parts(new_text: str = "Water!", **changes: str) -> ReplyParts:
    texts = {
        "quoted_text": "> It burns.",
        "signature": "-- \nAn Agent",
        "new_html": "",
        "quoted_html": "",
        "signature_html": "",
    }
    return ReplyParts(new_text=new_text, **{**texts, **changes})


@pytest.fixture
async def blobs(tmp_path: Path) -> BlobStore:
    """Returns a store that holds a blob: an empty one would be taken for the wrong store."""
    store = BlobStore(tmp_path.as_uri())
    await store.put(b"another")
    return store


STRIPPED = CommentText(
    body="Water!", quoted_text="> It burns.", signature="-- \nAn Agent", announced="Water!"
)
UNSTRIPPED = CommentText(body=WHOLE, announced=WHOLE)


@pytest.mark.parametrize(
    ("changes", "strip", "expected"),
    [
        # a reply in its parts
        ({"reply": parts()}, True, STRIPPED),
        # the account wants the whole text
        ({"reply": parts()}, False, UNSTRIPPED),
        # a message of one part
        ({}, True, UNSTRIPPED),
        # a parser of another release found nothing new: never an empty comment
        ({"reply": parts(new_text=" \n")}, True, UNSTRIPPED),
        # the parts were large, and their blob was removed
        ({"reply_blob": GONE}, True, UNSTRIPPED),
        # an automatic answer is treated like any other
        ({"reply": parts(), "kind": "auto_reply"}, True, STRIPPED),
    ],
)
async def test_what_is_new_is_the_comment(
    blobs: BlobStore, changes: dict[str, Any], strip: bool, expected: CommentText
) -> None:
    mail = mail_parsed(text=WHOLE, **changes)
    assert await comment_text(mail, TextRules(new_text_only=strip), blobs) == expected


async def parsed(blobs: BlobStore, text: str) -> MailParsed:
    """Returns the message as the parser makes it, and puts its blobs into the store."""
    result = made(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.encode())
    for content in contents(result):
        await blobs.put(content)
    return result.record


async def test_a_large_quotation_stays_in_the_blob_and_what_is_new_in_the_row(
    blobs: BlobStore,
) -> None:
    quoted = "> It burns.\n" * 20_000
    mail = await parsed(blobs, f"Water!\n\nJo wrote:\n{quoted}")
    assert mail.reply_blob is not None
    text = await comment_text(mail, TextRules(), blobs)
    assert text == CommentText(body="Water!", reply_blob=mail.reply_blob.sha256, announced="Water!")
    assert quoted.strip() in parts_from(await blobs.get(mail.reply_blob.sha256)).quoted_text


async def test_a_large_new_text_stays_in_the_blob_too(blobs: BlobStore) -> None:
    new_text = "Water! " * (2 * BODY_MAX_CHARACTERS // 7)
    mail = await parsed(blobs, f"{new_text}\n\nJo wrote:\n> It burns.")
    assert mail.reply_blob is not None
    text = await comment_text(mail, TextRules(), blobs)
    assert (text.body, text.reply_blob) == ("", mail.reply_blob.sha256)
    assert text.announced == new_text.strip()
    assert text.beginning == new_text[:BEGINNING_CHARACTERS]


async def test_a_large_text_in_one_part_is_told_from_its_blob(blobs: BlobStore) -> None:
    mail = await parsed(blobs, "It burns. " * 30_000)
    assert mail.text_blob is not None
    text = await comment_text(mail, TextRules(), blobs)
    assert (text.body, text.body_blob, text.reply_blob) == ("", mail.text_blob.sha256, None)
    assert text.announced.startswith("It burns. It burns.")
    assert text.beginning == text.announced[:BEGINNING_CHARACTERS]


async def test_a_text_in_a_blob_is_read_as_far_as_the_search_has_it(blobs: BlobStore) -> None:
    for unit in ("It burns. ", "🔥ä"):
        mail = await parsed(blobs, unit * 80_000)
        assert mail.text_blob is not None
        whole = (await blobs.get(mail.text_blob.sha256)).decode()
        assert await beginning_of_text(mail, blobs) == whole[:BEGINNING_CHARACTERS]


async def test_a_text_in_the_record_or_a_removed_blob_has_no_beginning(blobs: BlobStore) -> None:
    assert await beginning_of_text(mail_parsed(text="It burns."), blobs) == ""
    assert await beginning_of_text(mail_parsed(text="", text_blob=GONE), blobs) == ""


async def test_nothing_is_told_apart_where_only_the_html_is_large(blobs: BlobStore) -> None:
    """Prevents a comment that promises a quotation which it does not hold."""
    texts = b'{"new_text": "Water!", "new_html": "large"}'
    mail = mail_parsed(text="Water!", reply_blob=await blobs.put(texts))
    assert await comment_text(mail, TextRules(), blobs) == CommentText(
        body="Water!", announced="Water!"
    )


EVENTS = [calendar_event(method="CANCEL")]
EVENT_TEXT = "Cancelled invitation: Look at the lamp\nWhen: Tuesday 2026-12-01 10:00, UTC"


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({"text": "Sorry!", "events": EVENTS}, f"{EVENT_TEXT}\n\nSorry!"),
        # a cancellation without a text
        ({"text": "", "events": EVENTS, "kind": "calendar"}, EVENT_TEXT),
        ({"text": WHOLE, "reply": parts(), "events": EVENTS}, f"{EVENT_TEXT}\n\nWater!"),
    ],
)
async def test_the_events_of_a_calendar_stand_above_the_comment(
    blobs: BlobStore, changes: dict[str, Any], body: str
) -> None:
    text = await comment_text(mail_parsed(**changes), TextRules(), blobs)
    assert (text.body, text.announced) == (body, body)


async def test_they_stand_above_a_large_comment_too(blobs: BlobStore) -> None:
    unit = "It burns. " * 30_000
    for below in ("", "\n\nJo wrote:\n> It burns."):
        mail = await parsed(blobs, unit + below)
        text = await comment_text(replace(mail, events=EVENTS), TextRules(), blobs)
        whole = f"{EVENT_TEXT}\n\n{unit.strip()}"
        assert (text.body, text.announced.strip()) == ("", whole)
        assert text.beginning == whole[:BEGINNING_CHARACTERS]
        content = await blobs.get(text.reply_blob or text.body_blob or "")
        stored = parts_from(content).new_text if text.reply_blob else content.decode()
        assert stored.strip() == whole
