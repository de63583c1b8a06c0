"""Status codes (RFC 3463) and reply codes (RFC 5321): texts in, the most exact status out."""

from __future__ import annotations

import re
from collections.abc import Iterable

# An enhanced status code, but not a part of an IP address, a version or a date.
STATUS = re.compile(r"(?<![\d.vV/])([45])\.(\d)\.(\d{1,3})(?![\d.]*\d)")
# A program's version in brackets: "(Exim 4.9.1)".
VERSION = re.compile(
    r"[(\[](?!error|status|code|e?smtp|dsn|reply|returned|enhanced)[A-Za-z][\w .-]{0,30}[ /v]"
    r"\d{1,3}(?:\.\d{1,3}){2,3}[)\]]",
    re.IGNORECASE,
)
# The Status field may also report success.
FIELD_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
# A reply code, but not a number of hours, a port or a house number.
REPLY_CODE = re.compile(
    r"(?<![\w.@/+-])(?<!port )(?<!past )(?<!for )(?<!after )"
    r"([45])[0-7]\d(?:[ -]{1,3}(?=\D|[245]\.\d)|(?=[:;,.)\]'\"]|$))"
    r"(?! {0,3}(?:hours?|minutes?|days?|seconds?|messages|recipients|bytes|[KM]i?B)\b)",
    re.MULTILINE,
)
# Delivery time expired: the reporting server's own word for any cause that lasted.
EXPIRED = ".4.7"
ACTION = re.compile(r"[a-z][a-z0-9._/-]{0,39}")
NOT_FINAL = ("delay", "defer", "warn", "queue", "retr")


def action_of(text: str) -> str:
    """Returns the first word of an action in lower case, without comments; or ""."""
    found = ACTION.search(text.lower())
    return found.group() if found else ""


def codes_of(text: str) -> list[str]:
    """Returns the codes in a text as statuses; that of a bare reply code is 4.0.0 or 5.0.0."""
    text = VERSION.sub("()", text)
    exact = [found.group() for found in STATUS.finditer(text)]
    return exact or [f"{found.group(1)}.0.0" for found in REPLY_CODE.finditer(text)]


def most_exact(statuses: Iterable[str]) -> str:
    """Returns the status that says most about the cause; of two equal ones the first; or ""."""
    return max((one for one in statuses if one), key=_exactness, default="")


def _exactness(status: str) -> int:
    if status.endswith(".0.0"):
        return 0
    return 1 if status.endswith((".0", EXPIRED)) else 2


def is_hard(status: str, action: str) -> bool:
    """Tells whether a final failure is permanent; a full mailbox (x.2.2) may be emptied."""
    final = not action.startswith(NOT_FINAL)
    return final and status.startswith("5.") and not status.endswith(".2.2")
