"""Status codes (RFC 3463) and reply codes (RFC 5321): texts in, the most exact status out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

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
# A number like a reply code, but not one of hours, a port or a house number.
NUMBER = re.compile(
    r"(?<![\w.@/+-])(?<!port )(?<!past )(?<!for )(?<!after )([45])[0-7]\d"
    r"(?![ -]{0,3}(?:hours?|minutes?|days?|seconds?|messages|recipients|words|bytes|[KM]i?B)\b"
    r"|[ ,]{1,3}(?:[A-Z][\w.'-]{1,30} ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Boulevard|Blvd|Drive"
    r"|Lane|Way|Square|Suite|Floor|Highway|Parkway|Court|Place|Plaza)\b)"
    r"(?:[ -]{1,3}(?=\D|[245]\.\d)|(?=[:;,.)\]'\"]|$))",
    re.MULTILINE,
)
# A reply code stands at the beginning of a line or sentence, or behind such signs and words, …
BEFORE_CODE = re.compile(
    r"(?:^|[:;=|#'\"“‘«(\[{<>*!?-]|\.(?= )|\],?|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3]"
    r"|\b(?:said|says|e?smtp|code|errors?|fail(?:ure|ed)|repl(?:y|ied)|respon[sd]\w{1,4}|status"
    r"|returned|answer(?:ed|s)?|reason|result|diagnostic|was|is"
    r"|fehler\w{0,10}|antwort\w{0,5}|fout\w{0,6}|erreur|réponse|errore|risposta|codice|c[óo]digo"
    r"|respuesta|resposta|erro|fel\w{0,6}|fejl\w{0,6}|feil\w{0,6}|virhe\w{0,6}|błąd|kod\w{0,3}"
    r"|chyba|hiba\w{0,4}|hata\w{0,3}|ошибк\w|код\w?|ответ\w{0,4}))[ \t]{0,30}\Z",
    re.IGNORECASE | re.MULTILINE,
)
BEFORE_MAX = 30
# … or before such words.
AFTER_CODE = re.compile(
    r"[ -]{0,3}(?:\d\.\d\.\d|<?[\w.+-]{1,64}@"
    r"|(?:[\w'’-]{1,30}[ :,]{1,2}){0,2}(?:no|not|unknown|invalid|denied|deny"
    r"|reject\w{0,3}|refused|unavailable|disabled|full|error|block\w{0,3}|fail\w{0,4}|users?"
    r"|mailbox|recipient|address|relay\w{0,3}|spam|policy|quota|message|requested|access"
    r"|unrouteable|sorry|inactive|account)\b)",
    re.IGNORECASE,
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
    return exact or [f"{found.group(1)}.0.0" for found in reply_codes(text)]


def reply_codes(text: str) -> Iterator[re.Match[str]]:
    """Yields the bare reply codes in a text: numbers that stand where a server writes one."""
    for found in NUMBER.finditer(text):
        before = text[max(0, found.start() - BEFORE_MAX) : found.start()]
        if BEFORE_CODE.search(before) or AFTER_CODE.match(text, found.end(1) + 2):
            yield found


def first_code(text: str) -> int:
    """Returns the place of the first code in a text, or -1."""
    found = STATUS.search(text) or next(reply_codes(text), None)
    return found.start() if found else -1


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
