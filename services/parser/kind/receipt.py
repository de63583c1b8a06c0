"""Read receipts in plain text, as Outlook and Exchange send them past a gateway: no report, a text.

"Your message", the fields of that message, "was read on …". Their languages have different words
and this one form; a person's sentence is not one, since it neither begins nor ends so.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.parser.kind.receipt_words import MESSAGE, READ, READ_SUBJECT
from services.parser.reply.attribution import DATE
from services.parser.reply.lines import bare, fold
from services.parser.reply.words import FIELDS, Role

TEXT_MAX = 2000
LINES_MAX = 20
OPENING_MAX = 60
CLOSING_MAX = 300
# A shorter line ends a sentence.
WRAP_MIN = 50
NAME_MAX = 30
# The fields of the mail that was read. Who wrote it is who gets the receipt, and never named.
FIELDS_NEEDED: frozenset[Role] = frozenset({"to", "subject", "date"})
FIELDS_MIN = 2
SENTENCE_END = (".", "!", "?", "。", ",")
COLONS = ":\uff1a"


def says_read(subject: str, text: str) -> str:
    """The words that say that a mail was read, where that is all that a text says; else ""."""
    if len(text) > TEXT_MAX:
        return ""
    written = [line for line in text.split("\n") if not line.isspace() and line]
    # Most mails are none of this, and end here: their last lines hold no date.
    if not 0 < len(written) <= LINES_MAX or not DATE.search(" ".join(written[-2:])):
        return ""
    lines = [line for line in map(bare, written) if line]
    if READ_SUBJECT.match(subject) and len(lines) <= 2:
        text = " ".join(lines)
        return _reading(text) if MESSAGE.search(text) else ""
    return _after_fields(lines)


def _after_fields(lines: Sequence[str]) -> str:
    roles = [_role(line) for line in lines]
    known = [index for index, role in enumerate(roles) if role]
    if "from" in roles or len(FIELDS_NEEDED.intersection(roles)) < FIELDS_MIN:
        return ""
    opening, closing = lines[: known[0]], _closing(lines, known[-1] + 1)
    if len(opening) > 1 or not _opens(" ".join(opening)) or not _goes_on(closing):
        return ""
    return _reading(closing)


def _role(line: str) -> Role | None:
    name, colon, _ = line[:NAME_MAX].replace(COLONS[1], COLONS[0]).partition(COLONS[0])
    return FIELDS.get(" ".join(fold(name).split())) if colon else None


def _closing(lines: Sequence[str], start: int) -> str:
    """The end of the sentence, on one or two lines; the last field may go on before it."""
    rest = lines[start:]
    count = 2 if len(rest) > 1 and len(rest[-2]) >= WRAP_MIN else 1
    closing = " ".join(rest[-count:])
    return closing if len(rest) <= count + 1 and _reading(closing) else ""


def _opens(opening: str) -> bool:
    """A sentence that goes on after the fields; some languages begin only there."""
    return len(opening) <= OPENING_MAX and not opening.endswith(SENTENCE_END)


def _goes_on(closing: str) -> bool:
    """Whether it is the second half of a sentence: small letters, a date, or writing without."""
    return bool(closing) and not closing[0].isupper()


def _reading(sentence: str) -> str:
    if len(sentence) > CLOSING_MAX or not DATE.search(sentence):
        return ""
    return READ.search(sentence)
