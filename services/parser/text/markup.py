"""HTML: cleaned of what could harm its reader, and as text for who reads text."""

from __future__ import annotations

import html
import re

import nh3
from inscriptis import get_text

from services.parser.text.decode import storable, unix_lines
from services.parser.text.html_tables import layout

# inscriptis lays out tables and lists, at up to 10 µs a byte; longer HTML becomes plainer text.
LAID_OUT_MAX = 128 * 1024
# The time that nh3 needs grows with the square of the depth: 2 s at 20,000. No mail needs 1,000.
DEPTH_MAX = 1000
FEW_TAGS = 2000
# It also grows with the square of a tag's attributes: 12 s at 60,000. No tag needs 3,000.
ATTRIBUTES_MAX = 3000
# And with the square of the "&" between two "<": 9 s at 500,000. The time stays linear up to here.
REFERENCES_MAX = 10_000
# A tag as browsers split it from where it starts. Nothing is tried twice: the time is linear.
TAG_START = re.compile("<[a-zA-Z]")
ATTRIBUTE = re.compile(
    r"""[\t\n\f\r /]*+[^\t\n\f\r />][^\t\n\f\r />=]*+"""
    r"""(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:"[^"]*+"|'[^']*+'|[^\t\n\f\r >]*+))?+"""
)
WHOLE_TAG = re.compile(rf"<[a-zA-Z][^\t\n\f\r />]*+(?:{ATTRIBUTE.pattern})*+")
# How many times its own length may be looked at before HTML counts as a trap.
LOOKS = 4
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
ANY_TAG = re.compile(r"<[^<>]*>")
XML_DECLARATION = re.compile(r"\A\s*<\?xml[^<>]*\?>")
BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")
# Elements without content, and those that the next of their kind ends.
NOT_NESTING = frozenset(
    re.findall(
        r"\w+",
        "area base br col colgroup dd dt embed hr img input li link meta option p param source"
        " tbody td tfoot th thead tr track wbr",
    )
)
NOT_SHOWN = {"script", "style", "title"}
# The pictures of a mail are its own parts (RFC 2392).
CLEANER = nh3.Cleaner(url_schemes=nh3.ALLOWED_URL_SCHEMES | {"cid"}, clean_content_tags=NOT_SHOWN)
LINES_ONLY = nh3.Cleaner(
    tags={"blockquote", "br", "div", "h1", "h2", "h3", "h4", "li", "p", "table", "td", "th", "tr"},
    clean_content_tags=NOT_SHOWN,
    attributes={},
)


def clean_html(source: str) -> str:
    """The HTML without scripts, styles, forms and whatever else could do something.

    HTML that nests too deeply, or has too many attributes or character references, to be cleaned
    in time becomes its text.
    """
    if not source:
        return ""
    if _too_costly(source):
        return html_from_text(html_to_text(source))
    return storable(CLEANER.clean(source))


def html_to_text(source: str) -> str:
    """The text of HTML, laid out where it is small enough; never fails."""
    text = ""
    if len(source) <= LAID_OUT_MAX and not _stuffed(source):
        text = _laid_out(source)
    if not text.strip():
        text = _plain(source)
    return BLANK_LINES.sub("\n\n", storable(unix_lines(text))).strip("\n")


def html_from_text(text: str) -> str:
    """Text as HTML, beside other parts that are HTML."""
    return f"<p>{html.escape(text, quote=False).replace(chr(10), '<br>')}</p>" if text else ""


def _laid_out(source: str) -> str:
    try:
        return str(get_text(XML_DECLARATION.sub("", source), layout(len(source))))
    # lxml and inscriptis raise whatever broken HTML leads them to; the plain way never fails.
    except Exception:  # noqa: BLE001
        return ""


def _plain(source: str) -> str:
    if _too_costly(source):
        return html.unescape(ANY_TAG.sub(" ", source))
    return html.unescape(ANY_TAG.sub("\n", LINES_ONLY.clean(source)))


def _too_costly(source: str) -> bool:
    """Whether the HTML is made to keep its reader busy."""
    return _nests_too_deeply(source) or _stuffed(source)


def _stuffed(source: str) -> bool:
    return _too_many_attributes(source) or _too_many_references(source)


def _too_many_references(source: str) -> bool:
    if source.count("&") <= REFERENCES_MAX:
        return False
    return any(run.count("&") > REFERENCES_MAX for run in source.split("<"))


def _too_many_attributes(source: str) -> bool:
    if len(source) < 2 * ATTRIBUTES_MAX:
        return False
    left = LOOKS * len(source)
    # Each place where a tag may start is looked at, also those within another's quotes.
    for start in TAG_START.finditer(source):
        tag = WHOLE_TAG.match(source, start.start())
        length = tag.end() - tag.start() if tag else 0
        left -= length
        if left < 0 or (length > 2 * ATTRIBUTES_MAX and tag and _attributes(tag.group())):
            return True
    return False


def _attributes(tag: str) -> bool:
    """Whether the tag has too many attributes."""
    return sum(1 for _ in ATTRIBUTE.finditer(tag)) > ATTRIBUTES_MAX


def _nests_too_deeply(source: str) -> bool:
    if source.count("<") < FEW_TAGS:
        return False
    depth = deepest = 0
    for closing, name in TAG.findall(source):
        if name.lower() not in NOT_NESTING:
            depth = max(0, depth - 1) if closing else depth + 1
            deepest = max(deepest, depth)
    return deepest > DEPTH_MAX
