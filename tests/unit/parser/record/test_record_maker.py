"""Messages on which the parser fails."""

from __future__ import annotations

import hashlib

import pytest

from services.parser.record import record_maker


@pytest.mark.logs_errors("the parser failed", "the parser failed on the header too")
def test_a_header_on_which_the_parser_fails_fails_its_mail_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(fields: list[object]) -> list[object]:
        if fields:
            raise LookupError("surprise \udcff\x00")
        return []

    monkeypatch.setattr("services.parser.mime.addresses.read_addresses", broken)
    mail = record_maker.parsed_or_not(b"From: a@example.org\nSubject: x\n\ny\n")
    assert mail.error == "the parser failed: LookupError: surprise \ufffd"
    assert mail.fingerprint == hashlib.sha256(b"From: a@example.org\nSubject: x\n\ny\n").hexdigest()
