"""HTML: untrusted markup in, safe HTML and plain text out.

Both are made of the same tags and texts, so that what the one shows is also in the other.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping

import nh3

from services.parser.text.decode import storable, unix_lines
from services.parser.text.html_elements import balanced
from services.parser.text.html_text import text_of_html
from services.parser.text.html_tokens import Token, read_tokens

# nh3's time grows with the square of a tag's attributes: 12 s at 60,000. Real tags have some 2,000
# characters; longer ones lose their attributes.
TAG_MAX = 16 * 1024
# And with the square of the "&" between two "<": 9 s at 500,000. Up to here it stays linear.
REFERENCES_MAX = 10_000
# nh3 would take a quote without its pair for the start of a value that ends far behind its tag.
WHOLE_TAG = re.compile(
    r"""<(?:[^<>=]|=[\t\n\f\r ]*+(?:"[^"]*+"|'[^']*+'|[^\t\n\f\r <>"'][^\t\n\f\r >]*+))*+>"""
)
# cid: refers to the images that a message contains (RFC 2392).
CLEANER = nh3.Cleaner(url_schemes=nh3.ALLOWED_URL_SCHEMES | {"cid"})


def clean_html(source: str) -> str:
    """Removes scripts, styles, forms and everything else that is active; keeps all texts."""
    if not source:
        return ""
    return storable(CLEANER.clean("".join(_written(balanced(_kept(read_tokens(source)))))))


def html_to_text(source: str, images: Mapping[str, str] | None = None) -> str:
    """Converts HTML to text; never fails.

    `images` are the names of those in the message, by their Content-IDs.
    """
    text = text_of_html(balanced(read_tokens(source)), images or {})
    return storable(unix_lines(text)).strip("\n")


def html_from_text(text: str) -> str:
    """Converts text to HTML, to be joined with parts that are HTML."""
    return f"<p>{html.escape(text, quote=False).replace(chr(10), '<br>')}</p>" if text else ""


def _kept(tokens: Iterable[Token]) -> Iterator[Token]:
    """Leaves out the tags that are not kept, some of which would hide the text within them."""
    for token in tokens:
        if not token.name or token.name in nh3.ALLOWED_TAGS:
            yield token


def _written(tokens: Iterable[Token]) -> Iterator[str]:
    """Writes tokens so that the time to clean them is linear."""
    for token in tokens:
        raw = token.raw
        if not token.name:
            yield _parted(raw) if raw.count("&") > REFERENCES_MAX else raw
        elif token.closes or (len(raw) <= TAG_MAX and WHOLE_TAG.fullmatch(raw)):
            yield raw
        else:
            yield f"<{token.name}>"


def _parted(text: str) -> str:
    """Puts a comment between the character references of a text, which cleaning removes."""
    pieces = text.split("&")
    starts = range(0, len(pieces), REFERENCES_MAX)
    return "<!---->&".join("&".join(pieces[at : at + REFERENCES_MAX]) for at in starts)
