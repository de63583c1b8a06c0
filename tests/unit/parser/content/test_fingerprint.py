"""The fingerprint: equal for the same content, and only then."""

from __future__ import annotations

import pytest

from tests.makers.parsing import made


def test_transport_and_encoding_do_not_change_the_fingerprint() -> None:
    first = made(b"Received: one\nSubject: =?utf-8?q?=C3=A4?=\nMessage-ID: <a@b>\n\ntext\n").record
    other = made(
        b"Received: two\nReturn-Path: <>\nsubject: =?utf-8?b?w6Q=?=\nmessage-id: <a@b>\n"
        b"Content-Transfer-Encoding: base64\n\ndGV4dA==\n"
    ).record
    assert first.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        b"Subject: s\nMessage-ID: <b@b>\n\ntext",
        b"Subject: t\nMessage-ID: <a@b>\n\ntext",
        b"Subject: s\nMessage-ID: <a@b>\n\ntexts",
        b"Subject: s\nMessage-ID: <a@b>\nFrom: a@b.example\n\ntext",
        b"Subject: s\nMessage-ID: <a@b>\nDate: Sat, 21 Nov 2026 00:00:00 +0000\n\ntext",
    ],
)
def test_another_content_has_another_fingerprint(other: bytes) -> None:
    assert (
        made(other).record.fingerprint
        != made(b"Subject: s\nMessage-ID: <a@b>\n\ntext").record.fingerprint
    )
