"""The HTML of a reply, cut into what is new, what is quoted and what is signature.

The HTML becomes lines with their place in it, which the same rules judge as those of a text; what
programs write around a quotation (elements, classes) counts as quotation marks do.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.parser.reply.layers import Layer
from services.parser.reply.lines import Line, read_line

# Longer or deeper HTML is not divided.
HTML_MAX = 512 * 1024
DEPTH_MAX = 200
ATTRIBUTES_MAX = 2000
TAG_NAME = re.compile(r"/?[a-zA-Z][a-zA-Z0-9:]{0,30}")
WORD = re.compile(r"\S+")
SPACES = re.compile(r"[ \t\r\n\f]+")
SKIPPED = frozenset({"script", "style", "title", "head"})
VOID = frozenset(
    WORD.findall("area base br col embed hr img input link meta param source track wbr o:p")
)
BREAKS = frozenset(
    WORD.findall(
        "address article aside blockquote body br center dd div dl dt fieldset footer form h1 h2 h3"
        " h4 h5 h6 header hr html li main nav ol p pre section table td th tr ul"
    )
)
# What mail programs call the element of a quotation, in its class, its id or its name.
QUOTE_MARKS = (
    "gmail_quote", "gmail_extra_quote", "moz-cite-prefix", "yahoo_quoted", "protonmail_quote",
    "zmail_extra", "tutanota_quote", "mail-editor-reference-message", "mail-quote",
    'type="cite"', "type=cite", "type='cite'", "cite=", "wordsection1_quote", "quoted_reply",
    "freshdesk_quote", "zendesk_quote", "outlookmessageheader", "gmx_quote", "olk_src_body_section",
    'name="quote"', "_mailbox_quote", "hcms-quote", "mailquote", "airmail_ext_quote", "qt_quote",
    "thunderbird-cite", "reply-quote", "bloop_quote", "skype_quote", "front-blockquote",
)  # fmt: skip
# From this element on, all is quoted.
QUOTE_STARTS = (
    'id="appendonsend"', 'id="divrplyfwdmsg"', 'id="x_divrplyfwdmsg"', 'id="stopspelling"',
    'id="ms-outlook-mobile-reference-message"', "id=appendonsend", "id=divrplyfwdmsg",
)  # fmt: skip
# Outlook draws this line above what it quotes; it has no other mark.
OUTLOOK_RULE = ("border-top:solid #b5c4df", "border-top:solid #e1e1e1", "border-top: solid #e1e1e1")


@dataclass(slots=True)
class HtmlLine(Line):
    """A line of HTML, and where its first token stands."""

    first: int = 0


@dataclass(slots=True)
class Token:
    """A tag or a piece of text, as it stands in the HTML. `name` is "" for text, "!" to leave out.

    A text that closes ends its line, as it does in preformatted text.
    """

    raw: str
    name: str = ""
    closes: bool = False


@dataclass(slots=True)
class _Reader:
    """Turns tokens into lines."""

    lines: list[HtmlLine] = field(default_factory=list)
    open: list[tuple[str, int, int]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    depth: int = 0
    first: int = 0
    opens: bool = False
    line_depth: int = 0
    # How much of the depth is of elements that also only indent.
    weak: int = 0
    line_weak: bool = False
    # Where among the open elements those stand that only hold an attribution and a quotation.
    frames: list[int] = field(default_factory=list)

    def read(self, tokens: Sequence[Token]) -> list[HtmlLine]:
        for index, token in enumerate(tokens):
            if not token.name:
                self._add(token.raw)
                if token.closes:
                    self._end(index + 1)
            elif token.name != "!":
                if token.name in BREAKS:
                    self._end(index)
                self._tag(token)
        self._end(len(tokens))
        return self.lines

    def _add(self, raw: str) -> None:
        text = SPACES.sub(" ", html.unescape(raw) if "&" in raw else raw)
        if not self.words:
            self.line_depth = self.depth
            self.line_weak = 0 < self.depth == self.weak
        self.words.append(text)

    def _end(self, index: int) -> None:
        text = "".join(self.words)
        if text.strip():
            plain = read_line(text)
            depth = self.line_depth + plain.depth
            line = HtmlLine(text, depth, plain.bare, first=self.first)
            line.opens, self.opens = self.opens and self.line_depth > 0, False
            line.weak = self.line_weak and not plain.depth
            self.lines.append(line)
            self.first = index
        self.words.clear()

    def _tag(self, token: Token) -> None:
        if token.closes:
            self._close(token.name)
        elif token.name not in VOID:
            quotes = _quotes(token)
            weak = int(quotes and token.name == "blockquote" and not _is_marked(token.raw.lower()))
            self.depth += quotes
            self.weak += weak
            self.opens = self.opens or bool(quotes)
            self.open.append((token.name, quotes, weak))
            if quotes and token.name == "div" and "gmail_quote" in token.raw:
                self.frames.append(len(self.open) - 1)
            if _starts_quote(token):
                self.depth += 1
                self.opens = True
        elif _starts_quote(token):
            self.depth += 1
            self.opens = True

    def _close(self, name: str) -> None:
        # An element that was never opened closes nothing; only the innermost few are looked at.
        for back in range(1, min(len(self.open), 20) + 1):
            if self.open[-back][0] == name:
                for _, quotes, weak in self.open[-back:]:
                    self.depth -= quotes
                    self.weak -= weak
                del self.open[-back:]
                self._leave_frame(name)
                return

    def _leave_frame(self, name: str) -> None:
        """Gmail leaves answers between quotations in the element of the first one."""
        innermost = len(self.open) - 1
        while self.frames and self.frames[-1] > innermost:
            self.frames.pop()
        if name == "blockquote" and self.frames and self.frames[-1] == innermost:
            self.depth -= self.open[innermost][1]
            self.open[innermost] = ("div", 0, 0)


def read_html(source: str) -> tuple[list[Token], list[HtmlLine]]:
    """The tokens and the lines of HTML; none when there is too much of it."""
    if not source or len(source) > HTML_MAX:
        return [], []
    tokens = _tokens(source)
    return tokens, _Reader().read(tokens)


def divide(
    tokens: Sequence[Token], lines: Sequence[HtmlLine], layers: Sequence[Layer]
) -> dict[Layer, str]:
    """The HTML of each layer, each complete in itself: what is open is closed and opened again."""
    writers = {layer: _Writer() for layer in Layer}
    places = [[writers[place] for place in _places(layer)] for layer in layers] or [[]]
    open_tags: list[Token] = []
    ends = [line.first for line in lines[1:]] + [len(tokens)]
    at = 0
    for index, token in enumerate(tokens):
        while at < len(lines) - 1 and index >= ends[at]:
            at += 1
        if token.name and token.name not in VOID and token.name != "!":
            _follow(open_tags, token)
        elif token.name != "!":
            for writer in places[at]:
                writer.write(token.raw, open_tags)
    return {layer: writer.finish() for layer, writer in writers.items()}


def _places(layer: Layer) -> tuple[Layer, ...]:
    return (Layer.NEW, Layer.QUOTED) if layer is Layer.QUESTION else (layer,)


def _follow(open_tags: list[Token], token: Token) -> None:
    if not token.closes:
        if len(open_tags) < DEPTH_MAX:
            open_tags.append(token)
        return
    for back in range(1, min(len(open_tags), 20) + 1):
        if open_tags[-back].name == token.name:
            del open_tags[-back:]
            return


class _Writer:
    """Writes pieces of HTML with the elements that they stand in."""

    def __init__(self) -> None:
        self._written: list[str] = []
        self._open: list[Token] = []
        self._has_text = False

    def write(self, raw: str, open_tags: Sequence[Token]) -> None:
        same = 0
        for mine, there in zip(self._open, open_tags, strict=False):
            if mine is not there:
                break
            same += 1
        self._close(same)
        for token in open_tags[same:]:
            self._written.append(token.raw)
            self._open.append(token)
        self._written.append(raw)
        self._has_text = self._has_text or raw.startswith("<img") or not raw.startswith("<")

    def finish(self) -> str:
        self._close(0)
        return "".join(self._written).strip() if self._has_text else ""

    def _close(self, length: int) -> None:
        while len(self._open) > length:
            self._written.append(f"</{self._open.pop().name}>")


def _tokens(source: str) -> list[Token]:
    tokens: list[Token] = []
    at, size, preformatted = 0, len(source), False
    # Looked for once, so that no beginning of a comment looks in vain.
    last_comment = source.rfind("-->")
    while at < size:
        start = source.find("<", at)
        if start < 0:
            start = size
        if start > at:
            tokens.extend(_texts(source[at:start], preformatted))
        if start == size:
            break
        name = TAG_NAME.match(source, start + 1)
        if name is None and source[start + 1 : start + 2] not in "!?/":
            tokens.append(Token("&lt;"))
            at = start + 1
            continue
        at = _tag_end(source, start, last_comment)
        if at < 0:
            break
        found = name.group().lower() if name else "!"
        if found in SKIPPED:
            at = _past(source, found, at)
            found = "!"
        if found.endswith("pre"):
            preformatted = found == "pre"
        tokens.append(Token(source[start:at], found.lstrip("/"), found.startswith("/")))
    return tokens


def _texts(text: str, preformatted: bool) -> list[Token]:
    if not preformatted or "\n" not in text:
        return [Token(text)]
    return [Token(line, "", line.endswith("\n")) for line in text.splitlines(keepends=True)]


def _tag_end(source: str, start: int, last_comment: int) -> int:
    """Where what begins here with "<" ends; -1 when it does not."""
    if start < last_comment and source.startswith("<!--", start):
        return source.find("-->", start) + 3
    return source.find(">", start) + 1 or -1


def _past(source: str, name: str, at: int) -> int:
    """Where an element ends whose content is not shown."""
    closing = re.compile(f"</{name}[^<>]{{0,20}}>", re.IGNORECASE).search(source, at)
    return closing.end() if closing else len(source)


def _quotes(token: Token) -> int:
    if token.name == "blockquote":
        return 1
    if token.name in ("div", "section", "table", "td") and 12 < len(token.raw) <= ATTRIBUTES_MAX:
        return int(_is_marked(token.raw.lower()))
    return 0


def _is_marked(raw: str) -> bool:
    """Whether the program says that this element is a quotation; some only draw a line."""
    if "border-left" in raw and "border-left:none" not in raw:
        return raw.startswith("<blockquote")
    return any(mark in raw for mark in QUOTE_MARKS)


def _starts_quote(token: Token) -> bool:
    if token.name not in ("div", "hr") or len(token.raw) < 8 or len(token.raw) > ATTRIBUTES_MAX:
        return False
    raw = token.raw.lower()
    return any(mark in raw for mark in QUOTE_STARTS) or any(rule in raw for rule in OUTLOOK_RULE)
