"""Read receipts in plain text, as Outlook and Exchange send them through a gateway.

In all languages they have one form: "Your message", the fields of that message, "was read on …".
A person's sentence is not taken for a receipt, since it neither begins nor ends in this way.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.parser.kind.receipt_words import MESSAGE, READ, READ_SUBJECT
from services.parser.reply.attribution_words import DATE
from services.parser.reply.lines import COLONS, bare, fold
from services.parser.reply.words import FIELDS, Role

TEXT_MAX = 2000
LINES_MAX = 20
OPENING_MAX = 60
CLOSING_MAX = 300
# A shorter line is the end of a sentence.
WRAP_MIN = 50
NAME_MAX = 30
# The fields of the message that was read. Its author receives the receipt and is never named.
FIELDS_NEEDED: frozenset[Role] = frozenset({"to", "subject", "date"})
FIELDS_MIN = 2
SENTENCE_END = (".", "!", "?", "。", ",")


def read_receipt_words(subject: str, text: str) -> str:
    """Returns the words that say that a message was read, if the text says only this; else ""."""
    if len(text) > TEXT_MAX:
        return ""
    written = [line for line in text.split("\n") if not line.isspace() and line]
    # Most messages are sorted out here, as their last lines contain no date.
    if not 0 < len(written) <= LINES_MAX or not DATE.search(" ".join(written[-2:])):
        return ""
    lines = [line for line in map(bare, written) if line]
    if READ_SUBJECT.match(subject) and len(lines) <= 2:
        text = " ".join(lines)
        return _read_words(text) if MESSAGE.search(text) else ""
    return _read_after_fields(lines)


def _read_after_fields(lines: Sequence[str]) -> str:
    roles = [_role(line) for line in lines]
    known = [index for index, role in enumerate(roles) if role]
    if "from" in roles or len(FIELDS_NEEDED.intersection(roles)) < FIELDS_MIN:
        return ""
    opening, closing = lines[: known[0]], _closing(lines, known[-1] + 1)
    if len(opening) > 1 or not _is_opening(" ".join(opening)) or not _is_continuation(closing):
        return ""
    return _read_words(closing)


def _role(line: str) -> Role | None:
    name, colon, _ = line[:NAME_MAX].replace(COLONS[1], COLONS[0]).partition(COLONS[0])
    return FIELDS.get(" ".join(fold(name).split())) if colon else None


def _closing(lines: Sequence[str], start: int) -> str:
    """Returns the end of the sentence, one or two lines; the last field may continue before it."""
    rest = lines[start:]
    count = 2 if len(rest) > 1 and len(rest[-2]) >= WRAP_MIN else 1
    closing = " ".join(rest[-count:])
    return closing if len(rest) <= count + 1 and _read_words(closing) else ""


def _is_opening(opening: str) -> bool:
    """Accepts the beginning of a sentence; in some languages it begins only after the fields."""
    return len(opening) <= OPENING_MAX and not opening.endswith(SENTENCE_END)


def _is_continuation(closing: str) -> bool:
    """Accepts the second half of a sentence, which does not begin with a capital letter."""
    return bool(closing) and not closing[0].isupper()


def _read_words(sentence: str) -> str:
    if len(sentence) > CLOSING_MAX or not DATE.search(sentence):
        return ""
    return READ.search(sentence)
