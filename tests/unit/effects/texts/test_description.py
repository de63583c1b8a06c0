"""The description of an issue: its message's text, its events, and no internal comment."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from postrail.blobs import BlobStore
from postrail.decision.decision import TextRules
from postrail.effects.texts.comment_text import BODY_MAX_CHARACTERS
from postrail.effects.texts.description import LEFT_OUT, Description, whole_text, without_internal
from postrail.effects.texts.text_frame import frame_of
from postrail.message_parts import ReplyParts
from postrail.notifications.reply_marker import INTERNAL_MARKER
from postrail.records import BlobReference, MailParsed
from postrail.tracker import BEGINNING_CHARACTERS
from tests.makers.records import calendar_event, mail_parsed


def parts(new_text: str) -> ReplyParts:
    return ReplyParts(
        new_text=new_text,
        quoted_text=f"> {INTERNAL_MARKER}\n> Secret",
        signature="",
        new_html="",
        quoted_html="",
        signature_html="",
    )


async def described(new_text: str, blobs: BlobStore) -> str:
    mail = mail_parsed(text="Secret", reply=parts(new_text))
    found = await without_internal(mail, blobs)
    assert found.blob is None
    assert found.text.endswith(LEFT_OUT.format(mail.mail_id))
    return found.text.removesuffix(LEFT_OUT.format(mail.mail_id)).rstrip()


async def described_whole(mail: MailParsed, blobs: BlobStore) -> Description:
    return await whole_text(mail, frame_of(mail, TextRules()), blobs)


async def test_only_new_text_is_kept(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path.as_uri())
    assert await described("So what?\n", blobs) == "So what?"
    assert await described(f"FYI\n\nForwarded:\nSecret\n{INTERNAL_MARKER}", blobs) == ""
    assert await described("x" * (BODY_MAX_CHARACTERS + 1), blobs) == "x" * BODY_MAX_CHARACTERS


async def test_a_text_without_parts_is_not_kept(tmp_path: Path) -> None:
    mail = mail_parsed(text=f"FYI\n{INTERNAL_MARKER}\nSecret", text_blob=None, reply=None)
    found = await without_internal(mail, BlobStore(tmp_path.as_uri()))
    assert found.text == LEFT_OUT.format(mail.mail_id)


async def test_the_new_text_of_a_large_message_is_read_from_its_blob(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path.as_uri())
    blob = await blobs.put(json.dumps(asdict(parts("So what?"))).encode())
    reply_blob = BlobReference(sha256=blob.sha256, size=blob.size)
    whole = BlobReference(sha256="a" * 64, size=9)
    mail = mail_parsed(text="", text_blob=whole, reply_blob=reply_blob)
    found = await without_internal(mail, blobs)
    assert (found.text, found.blob) == (f"So what?\n\n{LEFT_OUT.format(mail.mail_id)}", None)


EVENT = calendar_event(description=f"{INTERNAL_MARKER} Secret")
EVENT_TEXT = "New invitation: Look at the lamp\nWhen: Tuesday 2026-12-01 10:00, UTC"


async def test_the_events_of_a_calendar_stand_above_the_text(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path.as_uri())
    mail = mail_parsed(text="Shall we meet?", events=[EVENT])
    assert await described_whole(mail, blobs) == Description(text=f"{EVENT_TEXT}\n\nShall we meet?")
    assert await described_whole(mail_parsed(text="Hello"), blobs) == Description(text="Hello")


async def test_they_stand_above_a_large_text_too(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path.as_uri())
    large = "ä" * 2 * BEGINNING_CHARACTERS
    blob = await blobs.put(large.encode())
    found = await described_whole(mail_parsed(text="", text_blob=blob, events=[EVENT]), blobs)
    whole = f"{EVENT_TEXT}\n\n{large}"
    assert found.blob is not None
    assert (await blobs.get(found.blob)).decode() == whole
    assert (found.text, found.beginning) == ("", whole[:BEGINNING_CHARACTERS])
    plain = await described_whole(mail_parsed(text="", text_blob=blob), blobs)
    assert plain == Description(text="", blob=blob.sha256, beginning=large[:BEGINNING_CHARACTERS])


async def test_a_text_in_an_event_that_quotes_an_internal_comment_is_not_kept(
    tmp_path: Path,
) -> None:
    mail = mail_parsed(text="", events=[EVENT])
    found = await without_internal(mail, BlobStore(tmp_path.as_uri()))
    assert found.text == f"{EVENT_TEXT}\n\n{LEFT_OUT.format(mail.mail_id)}"
