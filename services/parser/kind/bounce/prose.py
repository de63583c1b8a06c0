"""Bounces that say in prose whom they are about: Exim, qmail, Exchange, Gmail, carriers, and so on.

No list of formats: an address is the one meant when the lines around it speak of a failure. What
follows the notice, the mail that came back, is not looked at for addresses.
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
# Postfix: an alias that somebody wrote to, behind the address that it stands for.
EXPANDED = re.compile(
    rf"<({ADDRESS.pattern})>\s{{1,9}}\(expanded from\s{{1,9}}<({ADDRESS.pattern})>\)"
)
# An enhanced status code, and not a part of an IP address or of a version.
STATUS = re.compile(r"(?<![\d.])([45])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
REPLY_CODE = re.compile(r"(?<![\d.-])[45]\d\d[ -](?=\D|[45]\.)")
MESSAGE_ID = re.compile(
    r"^[ \t>|]*message-id:[ \t]*(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE
)
# Two of these in a row begin the header of the mail that came back.
HEADER_LINE = re.compile(
    r"[ \t>|]*(?:Received|Return-Path|DKIM-Signature|Message-ID|MIME-Version|X-[\w-]+):"
)
# Who writes about mail, not who gets it.
MACHINES = re.compile(
    r"(?:mailer-daemon|postmaster|mail-daemon|abuse|helpdesk|support|noreply|no-reply)@", re.I
)
# So many lines after a sentence about a failure an address still belongs to it.
NEAR = 6


@dataclass(frozen=True, slots=True)
class Findings:
    """What the prose of a bounce says."""

    addresses: list[str]
    delayed: bool
    # Is there an SMTP reply or a status code beside the words?
    coded: bool
    speaks_of_failure: bool
    original_message_id: str | None
    _statuses: dict[str, str]
    _reasons: dict[str, str]
    _meaning: str
    _aliases: dict[str, str]

    def written_to(self, address: str) -> str:
        """The address that the mail was sent to, where this one is what its server made of it."""
        return self._aliases.get(address.lower(), address)

    def status_of(self, address: str) -> str:
        """The status beside an address, else the notice's first, else what its words stand for."""
        given = self._statuses.get(address.lower()) or self._statuses.get("", "")
        return given or ("" if self.delayed else self._meaning)

    def reason_of(self, address: str) -> str:
        """The line that says why, or ""."""
        return self._reasons.get(address.lower()) or self._reasons.get("", "")


def read_prose(text: str, ours: AbstractSet[str]) -> Findings:
    """Reads a notice; `ours` are the addresses (in lower case) that it was sent to."""
    lines = _notice(text)
    notice = "\n".join(lines)
    delayed, failure = bool(DELAY.search(notice)), bool(FAILURE.search(notice))
    original = MESSAGE_ID.search(text[: LINES_MAX * LINE_MAX])
    statuses, reasons = _statuses(lines)
    return Findings(
        addresses=_meant(lines, ours),
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
    """The lines before the mail that came back."""
    lines = [line[:LINE_MAX] for line in text[: LINES_MAX * LINE_MAX].split("\n")[:LINES_MAX]]
    named = False
    for number, line in enumerate(lines):
        # "--- server message": before any address it stands above what the server said.
        if number and (_header_begins(lines, number) or (named and RETURNED_MAIL.search(line))):
            return lines[:number]
        named = named or bool(ADDRESS.search(line))
    return lines


def _header_begins(lines: list[str], number: int) -> bool:
    return bool(HEADER_LINE.match(lines[number])) and number > 2


def _meant(lines: list[str], ours: AbstractSet[str]) -> list[str]:
    """The addresses near to words about a failure; where that is none, the only address."""
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
            failure = number - last_failure <= NEAR or _says_why(lines, number)
            (near if failure else others).setdefault(address.lower(), address)
    if near:
        return list(near.values())
    return list(others.values()) if len(others) == 1 else []


def _bare(address: str) -> str:
    # X.400 gateways write "SMTP=a@b.example".
    return address.strip(".'=").rpartition("=")[2]


def _says_why(lines: list[str], number: int) -> bool:
    return any(
        STATUS.search(line) or REPLY_CODE.search(line) or FAILURE.search(line)
        for line in lines[number : number + 4]
    )


def _statuses(lines: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Status and reason by address; under "" the first ones."""
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
    """The status that a reason in words stands for (RFC 3463), or ""."""
    notice = "\n".join(lines)
    return next((status for status, words in REASONS if words.search(notice)), "")
