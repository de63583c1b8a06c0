"""HTML: untrusted markup in, safe HTML and plain text out.

Both are made of the same tags and texts, so that what the one shows is also in the other.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping

import nh3

from services.parser.text.decode import storable, unix_lines
from services.parser.text.hypertext.elements import DEPTH_MAX, balanced
from services.parser.text.hypertext.tokens import ADDRESS, Token, read_tokens
from services.parser.text.hypertext.writer import BOXES, text_of_html

# nh3's time grows with the square of a tag's attributes: 12 s at 60,000. Real tags have some 2,000
# characters; longer ones lose their attributes.
TAG_MAX = 16 * 1024
# And with the square of the "&" between two "<": 9 s at 500,000. Up to here it stays linear.
REFERENCES_MAX = 10_000
# nh3 would take a quote without its pair for the start of a value that ends far behind its tag.
WHOLE_TAG = re.compile(
    r"""<(?:[^<>=]|=[\t\n\f\r ]*+(?:"[^"]*+"|'[^']*+'|[^\t\n\f\r <>"'][^\t\n\f\r >]*+))*+>"""
)
ANY_TAG = re.compile(f"<(?!{ADDRESS})[a-zA-Z!?/]")
# Most of what people write: tags that hide nothing, with whole quotes. It needs no repair.
SIMPLE = re.compile(
    r"(?:[^<]++|</?(?:!doctype|a|b|blockquote|body|br|div|em|font|h[1-6]|head|hr|html|i|img|li|meta|o:p"
    r"""|ol|p|pre|span|strong|u|ul)(?=[\t\n\f\r />])(?:[^<>=]|="[^"<>]*+")*+>)*+""",
    re.IGNORECASE,
)
SIMPLE_MAX = 8 * 1024
# cid: refers to the images that a message contains (RFC 2392).
KEPT = nh3.ALLOWED_TAGS
CLEANER = nh3.Cleaner(url_schemes=nh3.ALLOWED_URL_SCHEMES | {"cid"})


def clean_html(source: str) -> str:
    """Removes scripts, styles, forms and everything else that is active; keeps all texts."""
    if not source:
        return ""
    if not _is_simple(source):
        source = "".join(_written(balanced(read_tokens(source))))
    return storable(CLEANER.clean(source))


def html_to_text(source: str, images: Mapping[str, str] | None = None) -> str:
    """Converts HTML to text; never fails.

    `images` are the names of those in the message, by their Content-IDs.
    """
    text = text_of_html(balanced(read_tokens(storable(source))), images or {})
    return unix_lines(text).strip("\n")


def with_lines(source: str) -> str:
    """Keeps the lines of a plain text that was declared as HTML."""
    is_plain = not source.isspace() and not ANY_TAG.search(source)
    return f"<pre>{source}</pre>" if source and is_plain else source


def html_from_text(text: str) -> str:
    """Converts text to HTML, to be joined with parts that are HTML."""
    return f"<p>{html.escape(text, quote=False).replace(chr(10), '<br>')}</p>" if text else ""


def _is_simple(source: str) -> bool:
    is_short = len(source) <= SIMPLE_MAX and source.count("<") <= DEPTH_MAX
    return is_short and SIMPLE.fullmatch(source) is not None


def _written(tokens: Iterable[Token]) -> Iterator[str]:
    """Writes tokens so that cleaning them takes linear time and loses no text.

    Tags that would be removed are left out, since some of them hide the text within them.
    """
    for token in tokens:
        raw, name = token.raw, token.name
        if not name:
            yield _parted(raw) if raw.count("&") > REFERENCES_MAX else raw
        elif name in KEPT:
            is_short = token.closes or len(raw) == len(name) + 2
            yield raw if is_short or _is_whole(raw) else f"<{name}>"
        elif name in BOXES:
            yield " "


def _is_whole(tag: str) -> bool:
    return len(tag) <= TAG_MAX and WHOLE_TAG.fullmatch(tag) is not None


def _parted(text: str) -> str:
    """Puts a comment between the character references of a text, which cleaning removes."""
    pieces = text.split("&")
    starts = range(0, len(pieces), REFERENCES_MAX)
    return "<!---->&".join("&".join(pieces[at : at + REFERENCES_MAX]) for at in starts)
