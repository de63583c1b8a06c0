"""The log of a POP3 dialogue shows commands and answers, and never a secret or a body."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from postrail.mailbox.pop3.dialogue_log import Pop3DialogueLog
from postrail.wire.dialogue_log import DialogueLog

CASES = [
    # The lines that we send (>) and receive (<), and what is shown of them.
    ([">STAT", "<+OK 1 2"], ["STAT", "+OK 1 2"]),
    ([">USER me", "<+OK", ">PASS my secret"], ["USER me", "+OK", "PASS ***"]),
    ([">PASS my secret", "<-ERR no"], ["PASS ***", "-ERR no"]),
    ([">APOP me 0123"], ["APOP ***"]),
    (
        [">AUTH XOAUTH2 dXNlcg==", "<+ eyJz", ">", "<-ERR no"],
        ["AUTH XOAUTH2 ***", "+ ***", "***", "-ERR no"],
    ),
    (
        [">AUTH PLAIN", "<+ ", ">AG1l", "<+OK in", ">QUIT"],
        ["AUTH PLAIN", "+", "***", "+OK in", "QUIT"],
    ),
    # Another protocol.
    (["<HTTP/1.1 400"], ["{12 bytes}"]),
]


@pytest.mark.parametrize(("said", "shown"), CASES)
def test_shows_lines_without_secrets(said: list[str], shown: list[str]) -> None:
    log = Pop3DialogueLog(DialogueLog("help"))
    with capture_logs() as lines:
        for line in said:
            if line[0] == ">":
                log.sent(line[1:])
            else:
                log.received(line[1:].encode() + b"\r\n")
    assert [line.get("sent") or line["received"] for line in lines] == shown
