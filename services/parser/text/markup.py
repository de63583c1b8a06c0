"""HTML: untrusted markup in, safe HTML and plain text out."""

from __future__ import annotations

import html
import re

import nh3
from inscriptis import get_text

from services.parser.text.decode import storable, unix_lines
from services.parser.text.html_tables import layout

# inscriptis lays out tables and lists at up to 10 µs per byte; longer HTML becomes simpler text.
LAYOUT_MAX = 128 * 1024
# nh3's time grows with the square of the depth: 2 s at 20,000. Real messages need under 1,000.
DEPTH_MAX = 1000
FEW_TAGS = 2000
# It also grows with the square of a tag's attributes: 12 s at 60,000. Real tags need under 3,000.
ATTRIBUTES_MAX = 3000
# And with the square of the "&" between two "<": 9 s at 500,000. Up to here it stays linear.
REFERENCES_MAX = 10_000
# A tag as browsers split it. The patterns never backtrack, so the time is linear.
TAG_START = re.compile("<[a-zA-Z]")
ATTRIBUTE = re.compile(
    r"""[\t\n\f\r /]*+[^\t\n\f\r />][^\t\n\f\r />=]*+"""
    r"""(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:"[^"]*+"|'[^']*+'|[^\t\n\f\r >]*+))?+"""
)
WHOLE_TAG = re.compile(rf"<[a-zA-Z][^\t\n\f\r />]*+(?:{ATTRIBUTE.pattern})*+")
# HTML counts as malicious if its tags, each read from its start, add up to this many times its
# length.
SCANS_MAX = 4
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
ANY_TAG = re.compile(r"<[^<>]*>")
XML_DECLARATION = re.compile(r"\A\s*<\?xml[^<>]*\?>")
BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")
# Elements without content, and those that the next one of their kind ends.
NOT_NESTING = frozenset(
    re.findall(
        r"\w+",
        "area base br col colgroup dd dt embed hr img input li link meta option p param source"
        " tbody td tfoot th thead tr track wbr",
    )
)
NOT_SHOWN = {"script", "style", "title"}
# cid: refers to the images that a message contains (RFC 2392).
CLEANER = nh3.Cleaner(url_schemes=nh3.ALLOWED_URL_SCHEMES | {"cid"}, clean_content_tags=NOT_SHOWN)
LINES_ONLY = nh3.Cleaner(
    tags={"blockquote", "br", "div", "h1", "h2", "h3", "h4", "li", "p", "table", "td", "th", "tr"},
    clean_content_tags=NOT_SHOWN,
    attributes={},
)


def clean_html(source: str) -> str:
    """Removes scripts, styles, forms and everything else that is active.

    HTML whose nesting, attributes or character references would take super-linear time to clean is
    converted to text.
    """
    if not source:
        return ""
    if _too_costly(source):
        return html_from_text(html_to_text(source))
    return storable(CLEANER.clean(source))


def html_to_text(source: str) -> str:
    """Converts HTML to text, with a layout if it is short enough; never fails."""
    text = ""
    if len(source) <= LAYOUT_MAX and not _has_costly_tags(source):
        text = _laid_out(source)
    if not text.strip():
        text = _plain(source)
    return BLANK_LINES.sub("\n\n", storable(unix_lines(text))).strip("\n")


def html_from_text(text: str) -> str:
    """Converts text to HTML, to be joined with parts that are HTML."""
    return f"<p>{html.escape(text, quote=False).replace(chr(10), '<br>')}</p>" if text else ""


def _laid_out(source: str) -> str:
    try:
        return str(get_text(XML_DECLARATION.sub("", source), layout(len(source))))
    except (MemoryError, OSError):
        raise
    # lxml and inscriptis raise all kinds of exceptions on broken HTML; `_plain` never fails.
    except Exception:  # noqa: BLE001
        return ""


def _plain(source: str) -> str:
    if _too_costly(source):
        return html.unescape(ANY_TAG.sub(" ", source))
    return html.unescape(ANY_TAG.sub("\n", LINES_ONLY.clean(source)))


def _too_costly(source: str) -> bool:
    """Tells whether the HTML would take super-linear time to clean."""
    return _nests_too_deeply(source) or _has_costly_tags(source)


def _has_costly_tags(source: str) -> bool:
    return _too_many_attributes(source) or _too_many_references(source)


def _too_many_references(source: str) -> bool:
    if source.count("&") <= REFERENCES_MAX:
        return False
    return any(run.count("&") > REFERENCES_MAX for run in source.split("<"))


def _too_many_attributes(source: str) -> bool:
    if len(source) < 2 * ATTRIBUTES_MAX:
        return False
    left = SCANS_MAX * len(source)
    # Each possible start of a tag counts, also within another tag's quotes.
    for start in TAG_START.finditer(source):
        tag = WHOLE_TAG.match(source, start.start())
        length = tag.end() - tag.start() if tag else 0
        left -= length
        if left < 0 or (length > 2 * ATTRIBUTES_MAX and tag and _is_overfull(tag.group())):
            return True
    return False


def _is_overfull(tag: str) -> bool:
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
