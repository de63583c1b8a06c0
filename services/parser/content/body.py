"""The body of a message: its pieces of text and HTML in, one text and one HTML out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.parser.mime.structure import Part
from services.parser.text.markup import html_from_text, html_to_text

# Texts with data, which are the body of a message that consists of one alone.
TEXTS_WITH_DATA = frozenset(
    "text/" + name
    for name in ("csv", "comma-separated-values", "tab-separated-values", "xml", "json")
)
# Texts for programs, which are attachments; every other text is part of the body (RFC 2046, 4.1.4).
TEXTS_FOR_PROGRAMS = TEXTS_WITH_DATA | frozenset(
    "text/" + name
    for name in (
        *("calendar", "x-vcalendar", "vcard", "x-vcard", "directory", "rfc822-headers"),
        *("css", "javascript", "ecmascript", "x-amp-html", "watch-html"),
    )
)
# Of a misspelt type, like "test/plain", the subtype is enough.
BODY_SUBTYPES = ("/plain", "/html")
# As browsers look for it, in the first KiB.
META_CHARSET = re.compile(
    rb"<(?:meta[^>]{1,200}?charset|\?xml[^>]{1,200}?encoding)\s*=\s*[\"']?([\w.:-]{1,40})",
    re.IGNORECASE,
)
META_MAX = 1024
# Longer HTML is taken to have words, without reading it for them.
WORDLESS_MAX = 64 * 1024
HTML_START = re.compile(r"\s*(?:<!doctype html|<html[\s>]|<body[\s>])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of the body in one or both of its forms; the HTML is not cleaned yet."""

    text: str | None
    html: str | None


def is_body(part: Part) -> bool:
    """Tells a piece of the body from an attachment."""
    value = part.content_type.value
    if value.startswith("multipart/"):
        # A multipart without its boundary is read as the text that it holds.
        return True
    is_text = value.startswith("text/") and value not in TEXTS_FOR_PROGRAMS
    if not (is_text or value.endswith(BODY_SUBTYPES)) or part.disposition.value == "attachment":
        return False
    return not part.file_name


def is_lone_data(part: Part) -> bool:
    """Tells a text with data that is no file, which is the body if the message has no other."""
    is_file = bool(part.file_name) or part.disposition.value == "attachment"
    return part.content_type.value in TEXTS_WITH_DATA and not is_file


def is_html(part: Part, text: str) -> bool:
    """Tells HTML from other text, by its beginning if its type is not a known one."""
    value = part.content_type.value
    if value.endswith("/html"):
        return True
    declared = (part.raw("content-type") or "").lower().startswith("text/plain")
    return not declared and HTML_START.match(text) is not None


def charset_in_html(content: bytes) -> str | None:
    """Returns the charset that HTML or XML names itself, or None."""
    found = META_CHARSET.search(content[:META_MAX])
    return found.group(1).decode("ascii", "replace") if found else None


def best_alternative(alternatives: list[list[Section]]) -> list[Section]:
    """Chooses the first plain text, and the last (the richest, RFC 2046, 5.1.4) HTML with words."""
    plain = [sections for sections in alternatives if all(one.html is None for one in sections)]
    rich = [sections for sections in alternatives if any(one.html is not None for one in sections)]
    text = next((text_of(sections) for sections in plain if sections), None)
    if not rich:
        return [Section(text, None)] if text else []
    best = _richest(rich)
    # A richer form may have a plain one of its own.
    if text is None and any(one.text for one in best):
        return best
    source = "".join(one.html or html_from_text(one.text or "") for one in best)
    return [Section(text, source)]


def _richest(rich: list[list[Section]]) -> list[Section]:
    """Returns the last form with words, or the last."""
    worded = (sections for sections in reversed(rich) if _has_words(sections))
    return rich[0] if len(rich) == 1 else next(worded, rich[-1])


def _has_words(sections: list[Section]) -> bool:
    return sum(len(one.html or "") for one in sections) > WORDLESS_MAX or bool(text_of(sections))


def text_of(sections: list[Section], images: Mapping[str, str] | None = None) -> str:
    """Returns the body as text; sections that are only HTML are converted.

    `images` are the names of the files that HTML may show, by their Content-IDs.
    """
    texts = [one.text if one.text else html_to_text(one.html or "", images) for one in sections]
    return "\n\n".join(text for text in texts if text)


def html_of(sections: list[Section]) -> str:
    """Returns the body as HTML that is not cleaned; "" when all sections are plain text."""
    if all(one.html is None for one in sections):
        return ""
    return "\n".join(one.html or html_from_text(one.text or "") for one in sections)
