"""Masks an IMAP dialogue for the log: bytes in, text without secrets and bodies out.

Only what is known to be harmless is shown as it is, and of everything else only the size. So a
server that breaks the rules (by a wrong size of a literal) does not leak a message into the log.
"""

from __future__ import annotations

import re
from typing import Any

from postrail.wire.dialogue_log import MASK, DialogueLog

# RFC 3501, 4.3: the size of what follows, at the end of a line; with a plus by RFC 7888.
LITERAL = re.compile(rb"\{(\d{1,18})\+?\}\Z")
LOGIN = re.compile(
    rb"(\S{1,32}) (LOGIN|AUTHENTICATE \S{1,32}|AUTHENTICATE)(?=\s|\Z)", re.IGNORECASE
)
TAGGED = re.compile(rb"[A-Z]{4}\d{1,9} (OK|NO|BAD)\b")
UNTAGGED = re.compile(
    rb"\* (OK|NO|BAD|BYE|PREAUTH|CAPABILITY|ENABLED|FLAGS|LIST|LSUB|NAMESPACE|SEARCH|ESEARCH|STATUS"
    rb"|ID|\d{1,10} (EXISTS|RECENT|EXPUNGE))\b",
    re.IGNORECASE,
)
FETCH = re.compile(rb"\* \d{1,10} FETCH \(", re.IGNORECASE)
# Parts of such an answer that hold nothing of the message itself.
HARMLESS = re.compile(
    rb"(?: ?(?:UID \d+|RFC822\.SIZE \d+|MODSEQ \(\d+\)|FLAGS \([^()\"]*\)"
    rb"|INTERNALDATE \"[ \d]\d-[A-Za-z]{3}-\d{4} [\d:]{8} [+-]\d{4}\""
    rb"|BODY\[(?:HEADER)?\](?:<\d+>)? (?:\{\d+\}|NIL|\"\")))*\)?",
    re.IGNORECASE,
)
# Longer ones answer no command of ours.
LONGEST_HARMLESS = 2000


def listen(imap: Any, dialogue: DialogueLog) -> None:
    """Logs all lines that this connection of imaplib sends and receives, from now on.

    imaplib's own debug output formats each literal, and shows passwords.
    """
    masking = ImapMasking()
    send, readline = imap.send, imap.readline

    def send_and_log(data: bytes) -> None:
        for words in masking.sent(data):
            dialogue.sent(words)
        send(data)

    def readline_and_log() -> bytes:
        line: bytes = readline()
        # While idling, imapclient reads without waiting, and mostly gets an empty line.
        if line:
            dialogue.received(masking.received(line))
        return line

    imap.send, imap.readline = send_and_log, readline_and_log
    dialogue.received(masking.received(b"* " + imap.welcome.removeprefix(b"* ")))


class ImapMasking:
    """Follows one connection, as the meaning of a line depends on the lines before."""

    def __init__(self) -> None:
        self._unsent = b""
        self._literal_left = 0
        # The tag of the login that is running.
        self._login = b""
        # The last line announced a literal, so the next one continues it.
        self._continued = False
        # A line came that is no answer; until the command ends, only sizes are shown.
        self._out_of_step = False

    def sent(self, data: bytes) -> list[str]:
        """Returns the text of the lines that `data` completes."""
        self._unsent += data
        words = []
        while self._skip_literal() and b"\n" in self._unsent:
            line, _, self._unsent = self._unsent.partition(b"\n")
            if line := line.rstrip(b"\r"):
                words.append(self._sent_line(line))
        return words

    def _skip_literal(self) -> bool:
        """Drops the sent part of a literal; returns whether it was the last one."""
        skipped = min(self._literal_left, len(self._unsent))
        self._unsent = self._unsent[skipped:]
        self._literal_left -= skipped
        return self._literal_left == 0

    def _sent_line(self, line: bytes) -> str:
        if announced := LITERAL.search(line):
            self._literal_left = int(announced[1])
        if self._login:
            return MASK
        if login := LOGIN.match(line):
            self._login = login[1]
            return f"{_text(login[0])} {MASK}" if len(line) > login.end() else _text(line)
        return _sized(line)

    def received(self, line: bytes) -> str:
        """Returns the text of a line that was received."""
        line = line.rstrip(b"\r\n")
        continued, self._continued = self._continued, LITERAL.search(line) is not None
        if self._login:
            return self._answer_to_login(line)
        if TAGGED.match(line):
            self._out_of_step = False
        # After a line that is not IMAP, the next ones may be a message that looks like answers.
        elif self._out_of_step or not self._is_understood(line, continued):
            self._out_of_step = True
            begin = FETCH.match(line)
            return (_text(begin[0]) if begin else "") + _size(line)
        return _sized(line)

    def _is_understood(self, line: bytes, continued: bool) -> bool:
        if continued:
            return _is_harmless(line)
        if begin := FETCH.match(line):
            return _is_harmless(line[begin.end() :])
        return not line or line.startswith(b"+") or UNTAGGED.match(line) is not None

    def _answer_to_login(self, line: bytes) -> str:
        if line.startswith(self._login + b" "):
            self._login = b""
            return _sized(line)
        if line.startswith(b"+"):
            return f"+ {MASK}" if line.strip() != b"+" else "+"
        return _sized(line) if UNTAGGED.match(line) else _size(line)


def _is_harmless(items: bytes) -> bool:
    return len(items) <= LONGEST_HARMLESS and HARMLESS.fullmatch(items) is not None


def _sized(line: bytes) -> str:
    """Returns the line with the size of the literal that follows it."""
    announced = LITERAL.search(line)
    if announced is None:
        return _text(line)
    return f"{_text(line[: announced.start()])}{{{int(announced[1])} bytes}}"


def _size(line: bytes) -> str:
    return f"{{{len(line)} bytes}}"


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
