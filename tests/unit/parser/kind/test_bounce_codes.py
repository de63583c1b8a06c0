"""Status codes: which of several is the most exact, and what only looks like a code."""

from __future__ import annotations

import pytest

from services.parser.kind.bounce.codes import codes_of, is_hard, most_exact


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("smtp; 550 5.1.1 <bob@cust.example>: unknown", ["5.1.1"]),
        ("550-5.7.26 This mail is unauthenticated\n550 5.7.26 See", ["5.7.26", "5.7.26"]),
        ("<mx.cust.example #5.1.1>", ["5.1.1"]),
        ("said: 421 too many connections", ["4.0.0"]),
        ("ERROR_CODE :550, wrong", ["5.0.0"]),
        ("mx.cust.example #550 mailbox unavailable ##", ["5.0.0"]),
        ("The server answered '554'", ["5.0.0"]),
        # Numbers that are no codes: hosts, versions, dates, times, ports, ids.
        ("host 192.0.2.4, then 5.6.7.8", []),
        ("Sendmail 8.4.4.1, exim v4.9.4, MTA/5.1.1", []),
        ("mx.cust.example (Exim 4.9.1) said: 550 no", ["5.0.0"]),
        ("550 [error 5.1.1] (SMTP 5.7.1)", ["5.1.1", "5.7.1"]),
        ("queued on 4.11.2025 for 480 minutes", []),
        ("It is 450 hours old", []),
        ("connect to mx.cust.example port 587 failed", []),
        ("message 1AbC-500-2", []),
        ("tel. +1-425-555", []),
        ("Acme Inc., 450 Main Street, Springfield", []),
        ("450 Old Mill Road\nSpringfield", []),
        ("The message had 500 bytes and 550 words.", []),
        ("It went to 450 people in 540 rooms", []),
        ("Room 500, Building 4", []),
        ("500 bytes", []),
        ("It was 500-bytes long", []),
        # Where servers write a code: first, behind signs or words, before words.
        ("550 Requested action not taken", ["5.0.0"]),
        ("550-Main mailbox is closed", ["5.0.0"]),
        ("host mx said: 550 Main office moved", ["5.0.0"]),
        ("Die Antwort war: 550 unbekannt", ["5.0.0"]),
        ("Antwort des Servers lautet 550 User unknown", ["5.0.0"]),
        ("Fehlercode 552", ["5.0.0"]),
        ("エラー 550 が返されました", ["5.0.0"]),
        ("It failed. 554 no more", ["5.0.0"]),
        ("bob@cust.example: [192.0.2.5], 550 closed", ["5.0.0"]),
        ("It ended in 550 <bob@cust.example>... closed", ["5.0.0"]),
        ("mx.cust.example answered with 450 try again", []),
        ("mx.cust.example answered with error 450 try again", ["4.0.0"]),
    ],
)
def test_the_codes_in_a_text(text: str, codes: list[str]) -> None:
    assert codes_of(text) == codes


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        # The diagnostic's comes first; a generic one gives way.
        (["5.3.4", "5.0.0"], "5.3.4"),
        (["5.0.0", "5.3.4"], "5.3.4"),
        (["5.1.1", "5.7.1"], "5.1.1"),
        (["5.2.0", "5.2.2"], "5.2.2"),
        # "Delivery time expired" hides the cause.
        (["5.4.7", "4.7.1"], "4.7.1"),
        (["4.0.0", "4.4.7"], "4.4.7"),
        (["4.0.0", "5.0.0"], "4.0.0"),
        (["", "5.0.0"], "5.0.0"),
        ([], ""),
    ],
)
def test_the_most_exact_status(statuses: list[str], status: str) -> None:
    assert most_exact(statuses) == status


@pytest.mark.parametrize(
    ("status", "action", "hard"),
    [
        ("5.1.1", "failed", True),
        ("5.0.0", "failed", True),
        ("5.1.1", "failure", True),
        # A full mailbox may be emptied.
        ("5.2.2", "failed", False),
        ("4.4.1", "failed", False),
        ("5.1.1", "delayed", False),
        ("", "failed", False),
    ],
)
def test_what_is_hard(status: str, action: str, hard: bool) -> None:
    assert is_hard(status, action) is hard
