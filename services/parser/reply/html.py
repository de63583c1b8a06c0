"""The HTML of a reply: HTML and the layers of its lines in, new, quoted and signature HTML out.

The HTML is read as lines with their positions, to which the rules for texts apply; the elements and
classes that mail programs use for quotations count as quotation marks.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.parser.reply.inner import inner_headings
from services.parser.reply.layers import Layer
from services.parser.reply.lines import Line, read_quote_marks
from services.parser.text.hypertext.elements import BLOCKS, VOID
from services.parser.text.hypertext.tokens import Token, read_tokens

# Longer HTML is not split, and deeper elements are not reopened.
HTML_MAX = 512 * 1024
DEPTH_MAX = 200
ATTRIBUTES_MAX = 2000
WORD = re.compile(r"\S+")
# The elements at which a line ends.
BREAKS = BLOCKS | {"br"}
# The elements that may contain a quotation or begin one.
QUOTE_ELEMENTS = frozenset({"blockquote", "div", "hr", "section", "table", "td"})
SIGNATURE_ELEMENTS = frozenset(WORD.findall("a div font footer p pre section sign span table td"))
# The classes, ids and names by which mail programs mark a signature: "signature" as a whole word,
# or with what programs write before it ("x_" for each time it was forwarded) and behind it.
SIGNATURE_MARK = re.compile(
    r"""\b(?:class|id|name|data-smartmail)=["']?(?:[^"'=<>]*\s)?(?:x_)*+
    (?:(?:gmail|moz|ms-outlook(?:-mobile)?|outlook|apple-?mail|protonmail|io-ox|k9mail|[iyz]?mail
    |ymail_android|yahoo|ntes|mailspring|composer|hs|front|e-?mail|message|mobile|zimbra|tutanota
    |edo|missive|mailbird|spark|airmail|bluemail|zendesk|freshdesk|linebreakatbeginningof)[-_]?)?
    signature(?:_block(?:-\w++)?|[-_]?(?:prefix|container|section))?(?=[\s"'>])
    |\bdata-signature-widget|_mailautosig|bloop_sign|_rc_sig|__sig_p|zm-_id_-sgn["']|<sign\b
    |[-_ "']sig["']""",
    re.IGNORECASE | re.VERBOSE,
)
# The classes, ids and names by which mail programs mark the element of a quotation.
QUOTE_MARKERS = (
    "gmail_quote", "gmail_extra_quote", "moz-cite-prefix", "yahoo_quoted", "protonmail_quote",
    "zmail_extra", "tutanota_quote", "mail-editor-reference-message", "mail-quote",
    'type="cite"', "type=cite", "type='cite'", "cite=", "wordsection1_quote", "quoted_reply",
    "freshdesk_quote", "zendesk_quote", "outlookmessageheader", "gmx_quote", "olk_src_body_section",
    'name="quote"', "_mailbox_quote", "hcms-quote", "mailquote", "airmail_ext_quote", "qt_quote",
    "thunderbird-cite", "reply-quote", "bloop_quote", "skype_quote", "front-blockquote",
)  # fmt: skip
# Everything from this element on is quoted.
QUOTE_STARTS = (
    'id="appendonsend"', 'id="divrplyfwdmsg"', 'id="x_divrplyfwdmsg"', 'id="stopspelling"',
    'id="ms-outlook-mobile-reference-message"', "id=appendonsend", "id=divrplyfwdmsg",
)  # fmt: skip
# Outlook marks a quotation only by the line that it draws above it.
OUTLOOK_RULE = ("border-top:solid #b5c4df", "border-top:solid #e1e1e1", "border-top: solid #e1e1e1")


@dataclass(slots=True)
class HtmlLine(Line):
    """A line of HTML, and the index of its first token."""

    first: int = 0


@dataclass(slots=True)
class _Reader:
    """Converts tokens to lines."""

    lines: list[HtmlLine] = field(default_factory=list)
    open: list[tuple[str, int, int, int]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    depth: int = 0
    first: int = 0
    opens: bool = False
    ruled: bool = False
    line_depth: int = 0
    # The part of the depth that comes from elements that are also used to indent.
    weak: int = 0
    line_weak: bool = False
    # How many of the open elements are signatures.
    signs: int = 0
    line_signs: bool = False
    # The indexes of open elements that only contain an attribution and a quotation.
    frames: list[int] = field(default_factory=list)

    def read(self, tokens: Sequence[Token]) -> list[HtmlLine]:
        for index, token in enumerate(tokens):
            if not token.name:
                self._add(token.raw)
                if token.closes:
                    self._end(index + 1)
            else:
                if token.name in BREAKS and self.words:
                    self._end(index)
                self._tag(token)
        self._end(len(tokens))
        return self.lines

    def _add(self, raw: str) -> None:
        text = _spaced(html.unescape(raw) if "&" in raw else raw)
        if not self.words:
            self.line_depth = self.depth
            self.line_weak = 0 < self.depth == self.weak
            self.line_signs = self.signs > 0
        self.words.append(text)

    def _end(self, index: int) -> None:
        text = "".join(self.words)
        if text.strip():
            marks, bare = read_quote_marks(text, self.lines)
            line = HtmlLine(
                text,
                self.line_depth + marks,
                bare,
                opens=self.opens and self.line_depth > 0,
                weak=self.line_weak and not marks,
                ruled=self.ruled,
                signs=self.line_signs,
                first=self.first,
            )
            self.lines.append(line)
            self.opens = self.ruled = False
            self.first = index
        self.words.clear()

    def _tag(self, token: Token) -> None:
        self.ruled = self.ruled or token.name == "hr"
        if token.closes:
            self._close(token.name)
            return
        if token.name not in VOID:
            self._open(token)
        if token.name in QUOTE_ELEMENTS and _starts_quote(token):
            self.depth += 1
            self.opens = True

    def _open(self, token: Token) -> None:
        quotes = _quotes(token)
        weak = int(quotes and token.name == "blockquote" and not _is_marked(token.raw.lower()))
        signs = int(_signs(token))
        self.depth += quotes
        self.weak += weak
        self.signs += signs
        self.opens = self.opens or bool(quotes)
        self.open.append((token.name, quotes, weak, signs))
        if quotes and token.name == "div" and "gmail_quote" in token.raw:
            self.frames.append(len(self.open) - 1)

    def _close(self, name: str) -> None:
        # An end tag without a start tag is ignored; only the 20 innermost elements are compared.
        for back in range(1, min(len(self.open), 20) + 1):
            if self.open[-back][0] == name:
                for _, quotes, weak, signs in self.open[-back:]:
                    self.depth -= quotes
                    self.weak -= weak
                    self.signs -= signs
                del self.open[-back:]
                self._leave_frame(name)
                return

    def _leave_frame(self, name: str) -> None:
        """Ends a Gmail quotation at its blockquote, as replies below it are in the same element."""
        innermost = len(self.open) - 1
        while self.frames and self.frames[-1] > innermost:
            self.frames.pop()
        if name == "blockquote" and self.frames and self.frames[-1] == innermost:
            self.depth -= self.open[innermost][1]
            self.open[innermost] = ("div", 0, 0, self.open[innermost][3])


def read_html(source: str) -> tuple[list[Token], list[HtmlLine]]:
    """Returns the tokens and the lines of HTML; empty lists if it is too long."""
    if not source or len(source) > HTML_MAX:
        return [], []
    tokens = list(read_tokens(source))
    lines = _Reader().read(tokens)
    if places := inner_headings(lines):
        tokens = list(_parted(tokens, lines, places))
        lines = _Reader().read(tokens)
        inner_headings(lines)
    return tokens, lines


def _parted(
    tokens: Sequence[Token], lines: Sequence[HtmlLine], places: Mapping[int, int]
) -> Iterator[Token]:
    """Yields the tokens, with an end of the line at each of these places."""
    done = 0
    for index, place in places.items():
        at = lines[index].first
        yield from tokens[done:at]
        letters = len("".join(lines[index].text[:place].split()))
        while letters > 0:
            token = tokens[at]
            yield from _first_letters(token, letters)
            letters -= 0 if token.name else len("".join(html.unescape(token.raw).split()))
            at += 1
        done = at
    yield from tokens[done:]


def _first_letters(token: Token, letters: int) -> Iterator[Token]:
    """Divides a text behind this number of letters, if it has them."""
    text = "" if token.name else html.unescape(token.raw)
    ends = [index + 1 for index, letter in enumerate(text) if not letter.isspace()]
    if len(ends) < letters:
        yield token
        return
    end = ends[letters - 1]
    yield Token(html.escape(text[:end], quote=False), "", closes=True)
    if text[end:].strip():
        yield Token(html.escape(text[end:], quote=False), "", token.closes)


def divide(
    tokens: Sequence[Token], lines: Sequence[HtmlLine], layers: Sequence[Layer]
) -> tuple[str, str, str]:
    """Splits HTML into new, quoted and signature HTML, each well-formed.

    Elements that are open at the end of a stretch are closed there, and reopened in the next one.
    """
    new, quoted, signature = _Writer(), _Writer(), _Writer()
    writers = {
        Layer.NEW: (new,),
        Layer.QUOTED: (quoted,),
        Layer.QUESTION: (new, quoted),
        Layer.SIGNATURE: (signature,),
    }
    open_tags: tuple[Token, ...] = ()
    for layer, stretch in _stretches(tokens, lines, layers):
        places = writers[layer]
        for token in stretch:
            if token.name and token.name not in VOID:
                open_tags = _after_tag(open_tags, token)
            else:
                for writer in places:
                    writer.write(token.raw, open_tags)
    return new.finish(), quoted.finish(), signature.finish()


def _stretches(
    tokens: Sequence[Token], lines: Sequence[HtmlLine], layers: Sequence[Layer]
) -> Iterator[tuple[Layer, Sequence[Token]]]:
    """Yields the tokens, grouped by adjacent lines of the same layer."""
    start = 0
    for line, before, layer in zip(lines[1:], layers, layers[1:], strict=False):
        if layer is not before:
            yield before, tokens[start : line.first]
            start = line.first
    yield layers[-1], tokens[start:]


def _after_tag(open_tags: tuple[Token, ...], token: Token) -> tuple[Token, ...]:
    """Returns the tags that are open after this one."""
    if not token.closes:
        return (*open_tags, token) if len(open_tags) < DEPTH_MAX else open_tags
    for back in range(1, min(len(open_tags), 20) + 1):
        if open_tags[-back].name == token.name:
            return open_tags[:-back]
    return open_tags


class _Writer:
    """Writes pieces of HTML with the elements that enclose them."""

    def __init__(self) -> None:
        self._written: list[str] = []
        self._open: tuple[Token, ...] = ()
        self._has_text = False

    def write(self, raw: str, open_tags: tuple[Token, ...]) -> None:
        if open_tags is not self._open:
            self._move(open_tags)
        self._written.append(raw)
        self._has_text = self._has_text or raw.startswith("<img") or not raw.startswith("<")

    def finish(self) -> str:
        self._move(())
        return "".join(self._written).strip() if self._has_text else ""

    def _move(self, open_tags: tuple[Token, ...]) -> None:
        """Closes and opens elements until these are open."""
        same = 0
        for mine, there in zip(self._open, open_tags, strict=False):
            if mine is not there:
                break
            same += 1
        self._written += [f"</{tag.name}>" for tag in reversed(self._open[same:])]
        self._written += [tag.raw for tag in open_tags[same:]]
        self._open = open_tags


def _spaced(text: str) -> str:
    """Collapses white space as HTML does; a pattern would take five times as long."""
    for other in "\t\r\n\f":
        text = text.replace(other, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text


def _signs(token: Token) -> bool:
    """Tells whether a mail program marked this element as a signature."""
    raw = token.raw
    if token.name not in SIGNATURE_ELEMENTS or len(raw) > ATTRIBUTES_MAX:
        return False
    # Most elements are ruled out by this, which is faster than the pattern.
    if "ig" not in raw and "IG" not in raw and "Sgn" not in raw:
        return False
    return SIGNATURE_MARK.search(raw) is not None


def _quotes(token: Token) -> int:
    if token.name == "blockquote":
        return 1
    if token.name in ("div", "section", "table", "td") and 12 < len(token.raw) <= ATTRIBUTES_MAX:
        return int(_is_marked(token.raw.lower()))
    return 0


def _is_marked(raw: str) -> bool:
    """Tells whether a mail program marked this element as a quotation, or drew a line beside it."""
    if "border-left" in raw and "border-left:none" not in raw:
        return raw.startswith("<blockquote")
    return any(marker in raw for marker in QUOTE_MARKERS)


def _starts_quote(token: Token) -> bool:
    if token.name not in ("div", "hr") or len(token.raw) < 8 or len(token.raw) > ATTRIBUTES_MAX:
        return False
    raw = token.raw.lower()
    return any(mark in raw for mark in QUOTE_STARTS) or any(rule in raw for rule in OUTLOOK_RULE)
