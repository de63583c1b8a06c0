"""The log of an IMAP dialogue shows commands and answers, and never a secret or a body."""

from __future__ import annotations

import base64
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from postrail.mailbox.imap.dialogue_log import ImapMasking, listen
from postrail.wire.dialogue_log import DialogueLog, forms_of, masked_url

SENT = [
    # Harmless lines are shown.
    (b"ABCD1 UID SEARCH UID 1:*\r\n", ["ABCD1 UID SEARCH UID 1:*"]),
    (b"DONE\r\n", ["DONE"]),
    # Logins in each form; all lines are secret until the server has answered.
    (b'ABCD1 LOGIN me "pa ss"\r\n', ["ABCD1 LOGIN ***"]),
    (b"ABCD1 login {2}\r\nme {4}\r\npass\r\n", ["ABCD1 login ***", "***"]),
    (b"ABCD1 AUTHENTICATE PLAIN\r\n", ["ABCD1 AUTHENTICATE PLAIN"]),
    (b"ABCD1 AUTHENTICATE PLAIN AG1lAHBhc3M=\r\n", ["ABCD1 AUTHENTICATE PLAIN ***"]),
    (b"ABCD1 AUTHENTICATE XOAUTH2\r\ndXNlcg==\r\n", ["ABCD1 AUTHENTICATE XOAUTH2", "***"]),
    # A command is shown when its line is complete.
    (b"ABCD1 SELECT ", []),
    # Of literals the size is shown, synchronizing or not (RFC 7888).
    (b"ABCD1 APPEND x {5}\r\nhello\r\n", ["ABCD1 APPEND x {5 bytes}"]),
    (b"ABCD1 APPEND x {5+}\r\nhello\r\n", ["ABCD1 APPEND x {5 bytes}"]),
    (b"ABCD1 APPEND x {7}\r\na\r\nb\r\nc\r\n", ["ABCD1 APPEND x {7 bytes}"]),
    (b"\r\n", []),
]


@pytest.mark.parametrize(("data", "shown"), SENT)
@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_shows_what_we_send(data: bytes, shown: list[str], piece: int) -> None:
    masking = ImapMasking()
    found = []
    for start in range(0, len(data), piece):
        found += masking.sent(data[start : start + piece])
    assert found == shown


RECEIVED = [
    # Harmless lines are shown.
    ([b"* 3 EXISTS\r\n"], ["* 3 EXISTS"]),
    (
        [b"* OK [UIDVALIDITY 7] x\r\n", b"ABCD1 OK done\r\n"],
        ["* OK [UIDVALIDITY 7] x", "ABCD1 OK done"],
    ),
    ([b"+ idling\r\n"], ["+ idling"]),
    ([b'* LIST (\\Noselect) "/" M&APw-ll\r\n'], ['* LIST (\\Noselect) "/" M&APw-ll']),
    # An empty line.
    ([b""], [""]),
    # A message: its literal is read elsewhere, and the lines after it are shown.
    (
        [b"* 1 FETCH (UID 4 BODY[] {1234}\r\n", b' INTERNALDATE " 4-Mar-2026 05:06:07 +0000")\r\n'],
        [
            "* 1 FETCH (UID 4 BODY[] {1234 bytes}",
            ' INTERNALDATE " 4-Mar-2026 05:06:07 +0000")',
        ],
    ),
    (
        [b"* 1 FETCH (UID 4 BODY[]<0> {9}\r\n", b")\r\n"],
        ["* 1 FETCH (UID 4 BODY[]<0> {9 bytes}", ")"],
    ),
    ([b"* 2 FETCH (FLAGS (\\Seen) UID 4)\r\n"], ["* 2 FETCH (FLAGS (\\Seen) UID 4)"]),
    # A message as a quoted string, or with an item that we did not ask for.
    ([b'* 1 FETCH (UID 4 BODY[] "It smokes.")\r\n'], ["* 1 FETCH ({37 bytes}"]),
    ([b'* 1 FETCH (ENVELOPE ("d" "It smokes."))\r\n'], ["* 1 FETCH ({39 bytes}"]),
    # A literal that is longer than announced: the rest is not taken for an answer, whatever it
    # looks like, until the command ends.
    (
        [
            b"* 1 FETCH (BODY[] {2}\r\n",
            b"smokes.\r\n",
            b"* ok, a list of mine\r\n",
            b"+ one more\r\n",
            b"* 2 FETCH (BODY[] {9}\r\n",
            b"ABCD1 OK done\r\n",
            b"* 3 EXISTS\r\n",
        ],
        [
            "* 1 FETCH (BODY[] {2 bytes}",
            "{7 bytes}",
            "{20 bytes}",
            "{10 bytes}",
            "* 2 FETCH ({21 bytes}",
            "ABCD1 OK done",
            "* 3 EXISTS",
        ],
    ),
    # A quoted string with line ends, which it must not have.
    (
        [b'* 1 FETCH (BODY[] "It\r\n', b'* BYE smokes")\r\n'],
        ["* 1 FETCH ({21 bytes}", "{14 bytes}"],
    ),
    # Another protocol.
    ([b"HTTP/1.1 400 Bad Request\r\n"], ["{24 bytes}"]),
]


@pytest.mark.parametrize(("lines", "shown"), RECEIVED)
def test_shows_what_the_server_sends(lines: list[bytes], shown: list[str]) -> None:
    masking = ImapMasking()
    assert [masking.received(line) for line in lines] == shown


def test_a_login_is_secret_until_its_answer() -> None:
    masking = ImapMasking()
    masking.sent(b"ABCD1 AUTHENTICATE XOAUTH2\r\n")
    assert masking.received(b"+ \r\n") == "+"
    assert masking.sent(b"dXNlcj1tZQ==\r\n") == ["***"]
    assert masking.received(b"+ eyJzdGF0dXMiOiI0MDAifQ==\r\n") == "+ ***"
    assert masking.sent(b"\r\n") == []
    assert masking.received(b"* CAPABILITY IMAP4rev1\r\n") == "* CAPABILITY IMAP4rev1"
    assert masking.received(b"what is this\r\n") == "{12 bytes}"
    assert masking.received(b"ABCD1 NO [AUTHENTICATIONFAILED] x\r\n").startswith("ABCD1 NO [AUTH")
    assert masking.sent(b"ABCD2 LOGOUT\r\n") == ["ABCD2 LOGOUT"]


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_are_masked_without_an_error(pieces: list[bytes]) -> None:
    masking = ImapMasking()
    for piece in pieces:
        masking.sent(piece)
        assert isinstance(masking.received(piece), str)


def test_a_secret_that_the_server_repeats_is_masked_in_each_form() -> None:
    dialogue = DialogueLog("help", ['p"a\\ß&'])
    dialogue.hide("")
    for form in (
        'p"a\\ß&',
        'p\\"a\\\\ß&',
        base64.b64encode('p"a\\ß&'.encode()).decode(),
        "p%22a%5C%C3%9F%26",
    ):
        assert dialogue.shown(f"NO {form}.") == "NO ***."
    assert forms_of("abc") >= {"abc", "YWJj"}


def test_lines_are_short_and_harmless_for_terminals() -> None:
    dialogue = DialogueLog("help")
    assert dialogue.shown("a\x1b[31m\r\nb") == "a�[31m��b"
    assert dialogue.shown("x" * 10_000) == "x" * 500 + "… (10000 characters)"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "https://graph.microsoft.com/v1.0/me/messages?$top=5&$select=id",
            "https://graph.microsoft.com/v1.0/me/messages?$top=5&$select=id",
        ),
        ("https://me:pw@host/x?code=abc&$deltatoken=d", "https://host/x?code=***&$deltatoken=***"),
    ],
)
def test_addresses_are_shown_without_secrets(url: str, shown: str) -> None:
    assert masked_url(url) == shown


def test_http_requests_are_shown_with_their_sizes() -> None:
    with capture_logs() as lines:
        DialogueLog("help").exchanged("GET", "https://h/x?a=b", 200, sent=0, received=12)
    assert [line.get("sent") or line["received"] for line in lines] == [
        "GET https://h/x?a=*** {0 bytes}",
        "200 {12 bytes}",
    ]


def test_logs_the_lines_of_one_connection() -> None:
    said: list[bytes] = []
    imap = SimpleNamespace(
        welcome=b"* OK ready", send=said.append, readline=lambda: b"ABCD1 OK done\r\n"
    )
    with capture_logs() as lines:
        listen(imap, DialogueLog("help", ["secret"]))
        imap.send(b"ABCD1 LOGIN me secret\r\n")
        assert imap.readline() == b"ABCD1 OK done\r\n"
    assert said == [b"ABCD1 LOGIN me secret\r\n"]
    assert [(line["mailbox"], line.get("sent"), line.get("received")) for line in lines] == [
        ("help", None, "* OK ready"),
        ("help", "ABCD1 LOGIN ***", None),
        ("help", None, "ABCD1 OK done"),
    ]
