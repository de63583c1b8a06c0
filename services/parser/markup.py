"""HTML: cleaned of what could harm its reader, and as text for who reads text."""

from __future__ import annotations

import html
import re

import nh3
from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig

from services.parser.text import storable, unix_lines

# inscriptis lays out tables and lists, at up to 10 µs a byte; longer HTML becomes plainer text.
LAID_OUT_MAX = 128 * 1024
# The time that nh3 needs grows with the square of the depth: 2 s at 20,000. No mail needs 1,000.
DEPTH_MAX = 1000
FEW_TAGS = 2000
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
LAYOUT = ParserConfig(css=CSS_PROFILES["strict"])
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

    HTML that nests too deeply to be cleaned in time becomes its text.
    """
    if not source:
        return ""
    if _nests_too_deeply(source):
        return html_from_text(html_to_text(source))
    return storable(CLEANER.clean(source))


def html_to_text(source: str) -> str:
    """The text of HTML, laid out where it is small enough; never fails."""
    text = ""
    if len(source) <= LAID_OUT_MAX:
        text = _laid_out(source)
    if not text.strip():
        text = _plain(source)
    return BLANK_LINES.sub("\n\n", storable(unix_lines(text))).strip("\n")


def html_from_text(text: str) -> str:
    """Text as HTML, beside other parts that are HTML."""
    return f"<p>{html.escape(text, quote=False).replace(chr(10), '<br>')}</p>" if text else ""


def _laid_out(source: str) -> str:
    try:
        return str(get_text(XML_DECLARATION.sub("", source), LAYOUT))
    # lxml and inscriptis raise whatever broken HTML leads them to; the plain way never fails.
    except Exception:  # noqa: BLE001
        return ""


def _plain(source: str) -> str:
    if _nests_too_deeply(source):
        return html.unescape(ANY_TAG.sub(" ", source))
    return html.unescape(ANY_TAG.sub("\n", LINES_ONLY.clean(source)))


def _nests_too_deeply(source: str) -> bool:
    if source.count("<") < FEW_TAGS:
        return False
    depth = deepest = 0
    for closing, name in TAG.findall(source):
        if name.lower() not in NOT_NESTING:
            depth = max(0, depth - 1) if closing else depth + 1
            deepest = max(deepest, depth)
    return deepest > DEPTH_MAX
