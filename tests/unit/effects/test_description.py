"""The description of an issue whose message quotes an internal comment."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from postrail.blobs import BlobStore
from postrail.effects.comment_text import BODY_MAX_CHARACTERS
from postrail.effects.description import LEFT_OUT, without_internal
from postrail.message_parts import ReplyParts
from postrail.notifications.reply_marker import INTERNAL_MARKER
from postrail.records import BlobReference
from tests.makers.records import mail_parsed


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
