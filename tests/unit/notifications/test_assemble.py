"""A stored message goes out in the dress of the connection that sends it."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from postrail.blobs import BlobStore
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.notifications.assemble import assemble, without_original
from postrail.outgoing.content import Content

STORED: dict[str, Any] = {
    "message_id": "<postrail.1@example.org>",
    "queued_at": datetime(2026, 11, 30, tzinfo=UTC),
    "from_name": "Stored desk",
    "envelope_from": "stored@example.org",
    "reply_to": "",
    "recipient": "ann@example.org",
    "name": "Ann",
    "subject": "[HELP-1] Fire",
    "text": "\ufdd0greeting\ufdd1\n\nIt burns.",
    "in_reply_to": None,
    "reference_ids": [],
    "whole_message": None,
    "message_blob": None,
    "forwards": None,
    "conversation": "11111111-2222-3333-4444-555555555555",
    "connection": "out",
    "issue_key": "HELP-1",
    "html": "<p>\ufdd0greeting\ufdd1</p><p>It burns.</p>",
    "by_person": False,
    "author_name": "",
    "tokens": {"greeting": "Hello Ann & Bob,"},
    "attachments": None,
}


async def sent(
    tmp_path: Path, connection: dict[str, Any] | None = None, **changes: Any
) -> EmailMessage:
    own = {"name": "out", "host": "smtp.example.org", "from_address": "desk@example.net"}
    sending = OutgoingConnection.model_validate({**own, **(connection or {})})
    content = Content(**{**STORED, **changes})

    async def no_original(mail_id: str) -> bytes:
        raise AssertionError(mail_id)

    raw = await assemble(content, sending, BlobStore(tmp_path.as_uri()), no_original)
    return email.message_from_bytes(raw, policy=email.policy.default)


@pytest.mark.parametrize(
    ("language", "words"), [("", "too large to be attached"), ("de", "zu groß")]
)
async def test_an_original_that_is_left_out_is_named(
    tmp_path: Path, language: str, words: str
) -> None:
    stored = {**STORED, "forwards": "m1", "language": language}
    content = without_original(Content(**stored))
    changes = {name: getattr(content, name) for name in ("forwards", "html", "text")}
    found = await sent(tmp_path, **changes)
    text = found.get_content().replace("\r\n", "\n")
    assert found.get_content_type() == "text/plain"
    assert words in text
    assert "postrail mail show m1\n\nHello Ann & Bob," in text


async def test_a_letter_names_all_of_its_recipients(tmp_path: Path) -> None:
    found = await sent(
        tmp_path,
        shown_to=[["Lee, Ann", "ann@example.org"], ["", "bo@example.org"]],
        shown_cc=[["Zoë", "zoe@example.org"]],
    )
    named = [(one.display_name, one.addr_spec) for one in found["To"].addresses]
    assert named == [("Lee, Ann", "ann@example.org"), ("", "bo@example.org")]
    assert str(found["Cc"]) == "Zoë <zoe@example.org>"
    alone = await sent(tmp_path)
    assert (str(alone["To"]), alone["Cc"]) == ("Ann <ann@example.org>", None)


async def test_an_address_that_needs_smtputf8_stands_in_its_own_copy_only(tmp_path: Path) -> None:
    shown: dict[str, Any] = {
        "shown_to": [["", "bo@example.org"]],
        "shown_cc": [["Li", "用户@例子.jp"]],
    }
    found = await sent(tmp_path, **shown)
    assert (str(found["To"]), found["Cc"]) == ("bo@example.org", None)
    assert all(str(value).isascii() for value in found.values())
    own = await sent(tmp_path, recipient="用户@例子.jp", **shown)
    assert "用户@" in str(own["Cc"])


@pytest.mark.parametrize(
    ("connection", "changes", "expected"),
    [
        ({}, {}, {"From": "desk@example.net", "Subject": "[HELP-1] Fire", "Reply-To": None}),
        ({"from_name": "Desk"}, {}, {"From": "Desk <desk@example.net>"}),
        # a person by way of the desk
        (
            {"from_name": "Desk"},
            {"author_name": "Bo Li"},
            {"From": "Bo Li via Desk <desk@example.net>"},
        ),
        ({}, {"author_name": "Bo Li"}, {"From": "Bo Li <desk@example.net>"}),
        # the operator, who writes as the desk
        ({"from_name": "Desk"}, {"author_name": "Desk"}, {"From": "Desk <desk@example.net>"}),
        # a name with an address in it would look like a forgery
        (
            {"from_name": "Desk"},
            {"author_name": "ceo@example.org"},
            {"From": "Desk <desk@example.net>"},
        ),
        (
            {"from_name": "Desk"},
            {"author_name": "ceo＠example.org"},
            {"From": "Desk <desk@example.net>"},
        ),
        # the prefix stands before the key, once
        ({"subject_prefix": "Acme:"}, {}, {"Subject": "Acme: [HELP-1] Fire"}),
        (
            {"subject_prefix": "Acme:"},
            {"subject": "Re: Acme: [HELP-1] Fire"},
            {"Subject": "Re: Acme: [HELP-1] Fire", "Thread-Topic": "Acme: [HELP-1] Fire"},
        ),
        # the message's own address for replies goes first
        ({"reply_to": "all@example.net"}, {}, {"Reply-To": "all@example.net"}),
        (
            {"reply_to": "all@example.net"},
            {"reply_to": "help@example.org"},
            {"Reply-To": "help@example.org"},
        ),
        # automatic, and by a person
        (
            {},
            {},
            {
                "Auto-Submitted": "auto-generated",
                "X-Auto-Response-Suppress": "All",
                "Precedence": "bulk",
                "List-Id": "HELP <help.example.net>",
            },
        ),
        ({"precedence_bulk": False}, {}, {"Precedence": None, "Auto-Submitted": "auto-generated"}),
        (
            {},
            {"by_person": True},
            {
                "Auto-Submitted": None,
                "X-Auto-Response-Suppress": None,
                "Precedence": None,
                "List-Id": None,
            },
        ),
        # about no issue
        ({}, {"issue_key": None}, {"List-Id": None, "Thread-Index": None, "Thread-Topic": None}),
    ],
)
async def test_fields(
    connection: dict[str, Any],
    changes: dict[str, Any],
    expected: dict[str, str | None],
    tmp_path: Path,
) -> None:
    message = await sent(tmp_path, connection, **changes)
    for field, value in expected.items():
        found = message[field]
        shown = found and str(found).replace('"', "")
        assert shown == value, field


async def test_the_recipient_is_greeted_in_text_and_html(tmp_path: Path) -> None:
    message = await sent(tmp_path)
    plain, html = message.iter_parts()
    assert plain.get_content().split() == ["Hello", "Ann", "&", "Bob,", "It", "burns."]
    assert "<p>Hello Ann &amp; Bob,</p>" in html.get_content()


async def test_files_come_from_the_blob_store(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path.as_uri())
    blob = await blobs.put(b"%PDF")
    file = {
        "name": "a.pdf",
        "content_type": "application/pdf",
        "sha256": blob.sha256,
        "size": 4,
        "content_id": "",
        "inline": False,
    }
    message = await sent(tmp_path, attachments=[file])
    (attached,) = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("a.pdf", b"%PDF")
