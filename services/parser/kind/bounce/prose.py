"""Bounces in prose (Exim, qmail, Exchange, Gmail, carriers): a text in, the recipients out.

There is no list of formats: an address counts if the lines around it mention a failure. The
returned message, which follows the notice, is not searched for addresses.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from services.parser.kind.bounce.words import DELAY, FAILURE, REASONS, RETURNED_MAIL
from services.parser.mime.addresses import read_ids
from services.parser.mime.headers import Field

LINES_MAX = 400
LINE_MAX = 1000
ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
# Postfix: an alias that a sender used, after the address that it was expanded to.
EXPANDED = re.compile(
    rf"<({ADDRESS.pattern})>\s{{1,9}}\(expanded from\s{{1,9}}<({ADDRESS.pattern})>\)"
)
# An enhanced status code, but not a part of an IP address or a version.
STATUS = re.compile(r"(?<![\d.])([45])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
REPLY_CODE = re.compile(r"(?<![\d.-])[45]\d\d[ -](?=\D|[45]\.)")
MESSAGE_ID = re.compile(
    r"^[ \t>|]*message-id:[ \t]*(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE
)
# Such a line after the first lines begins the header of the returned message.
HEADER_LINE = re.compile(
    r"[ \t>|]*(?:Received|Return-Path|DKIM-Signature|Message-ID|MIME-Version|X-[\w-]+):"
)
# These addresses send notices; they are not the recipients.
MACHINES = re.compile(
    r"(?:mailer-daemon|postmaster|mail-daemon|abuse|helpdesk|support|noreply|no-reply)@", re.I
)
# An address belongs to a sentence about a failure up to this number of lines before it.
NEAR = 6


@dataclass(frozen=True, slots=True)
class Findings:
    """The content of a bounce in prose."""

    addresses: list[str]
    delayed: bool
    # Whether the text contains an SMTP reply or a status code.
    coded: bool
    speaks_of_failure: bool
    original_message_id: str | None
    _statuses: dict[str, str]
    _reasons: dict[str, str]
    _meaning: str
    _aliases: dict[str, str]

    def original_address(self, address: str) -> str:
        """Returns the address that the message was sent to, before its server expanded it."""
        return self._aliases.get(address.lower(), address)

    def status_of(self, address: str) -> str:
        """Returns the status near an address, else the first one, else the one its words mean."""
        given = self._statuses.get(address.lower()) or self._statuses.get("", "")
        return given or ("" if self.delayed else self._meaning)

    def reason_of(self, address: str) -> str:
        """Returns the line that contains the reason, or ""."""
        return self._reasons.get(address.lower()) or self._reasons.get("", "")


def read_prose(text: str, ours: AbstractSet[str]) -> Findings:
    """Reads a notice; `ours` are the addresses (in lower case) that it was sent to."""
    lines = _notice(text)
    notice = "\n".join(lines)
    delayed, failure = bool(DELAY.search(notice)), bool(FAILURE.search(notice))
    original = MESSAGE_ID.search(text[: LINES_MAX * LINE_MAX])
    statuses, reasons = _statuses(lines)
    return Findings(
        addresses=_failed_addresses(lines, ours),
        delayed=delayed,
        coded=bool(reasons),
        speaks_of_failure=failure or delayed or bool(statuses),
        original_message_id=_id(original.group(1)) if original else None,
        _statuses=statuses,
        _reasons=reasons,
        _meaning=_meaning(lines),
        _aliases={final.lower(): alias for final, alias in EXPANDED.findall(notice)},
    )


def _id(raw: str) -> str | None:
    found = read_ids([Field("Message-ID", raw, raw)])
    return found[0] if found else None


def _notice(text: str) -> list[str]:
    """Returns the lines before the returned message."""
    lines = [line[:LINE_MAX] for line in text[: LINES_MAX * LINE_MAX].split("\n")[:LINES_MAX]]
    named = False
    for number, line in enumerate(lines):
        # Before the first address, a line like "--- server message" introduces the server's reply.
        if number and (_header_begins(lines, number) or (named and RETURNED_MAIL.search(line))):
            return lines[:number]
        named = named or bool(ADDRESS.search(line))
    return lines


def _header_begins(lines: list[str], number: int) -> bool:
    return bool(HEADER_LINE.match(lines[number])) and number > 2


def _failed_addresses(lines: list[str], ours: AbstractSet[str]) -> list[str]:
    """Returns the addresses near words about a failure, or else the only address."""
    near: dict[str, str] = {}
    others: dict[str, str] = {}
    last_failure = -NEAR - 1
    for number, line in enumerate(lines):
        if FAILURE.search(line) or DELAY.search(line):
            last_failure = number
        for address in ADDRESS.findall(line):
            address = _bare(address)
            if address.lower() in ours or MACHINES.match(address):
                continue
            failure = number - last_failure <= NEAR or _gives_reason(lines, number)
            (near if failure else others).setdefault(address.lower(), address)
    if near:
        return list(near.values())
    return list(others.values()) if len(others) == 1 else []


def _bare(address: str) -> str:
    # X.400 gateways write "SMTP=a@b.example".
    return address.strip(".'=").rpartition("=")[2]


def _gives_reason(lines: list[str], number: int) -> bool:
    return any(
        STATUS.search(line) or REPLY_CODE.search(line) or FAILURE.search(line)
        for line in lines[number : number + 4]
    )


def _statuses(lines: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the status and the reason by address; the first ones under ""."""
    statuses: dict[str, str] = {}
    reasons: dict[str, str] = {}
    address = ""
    for line in lines:
        if found := ADDRESS.search(line):
            address = _bare(found.group()).lower()
        status = STATUS.search(line)
        if status or REPLY_CODE.search(line):
            for key in {address, ""}:
                reasons.setdefault(key, line.strip())
                if status:
                    statuses.setdefault(key, status.group())
    return statuses, reasons


def _meaning(lines: list[str]) -> str:
    """Returns the status (RFC 3463) that a reason in words means, or ""."""
    notice = "\n".join(lines)
    return next((status for status, words in REASONS if words.search(notice)), "")
