"""HTML as text: balanced tokens in, text that reads like the HTML out.

Links keep their targets (`text <https://…>`), images their names (`[image: name]`), struck text its
marks (`~~text~~`). Nothing is padded.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from services.parser.text.hypertext.elements import BLOCKS, CELLS, LISTS, VOID
from services.parser.text.hypertext.lines import NO_BREAK, SPACES, Lines
from services.parser.text.hypertext.tables import Table
from services.parser.text.hypertext.tokens import Token

# Deeper tables are not laid out, since each level copies its lines. Newsletters need up to 20.
TABLES_MAX = 30
ATTRIBUTE = re.compile(
    r"""[\t\n\f\r /"']([^\t\n\f\r />="']++)[\t\n\f\r ]*+=[\t\n\f\r ]*+"""
    r"""(?:"([^"]*+)"|'([^']*+)'|([^\t\n\f\r >]++))"""
)
PARAGRAPHS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "dl", "figure"}
)
STRUCK = frozenset({"s", "strike", "del"})
AS_IS = frozenset({"pre", "textarea"})
QUOTATION = ("\u201c", "\u201d")
# Boxes in a line: words on both sides of their edges are two.
BOXES = frozenset(
    {"audio", "button", "canvas", "embed", "iframe", "img", "input", "meter", "object", "progress"}
    | {"select", "svg", "textarea", "video"}
)
INLINE = STRUCK | AS_IS | BOXES | {"a", "q"}
# The styles that matter to a text, and the length of the shortest tag with one of them.
STYLE = re.compile(
    r"display\s*+:\s*+(?:(?P<hidden>none)|(?P<box>inline-|table-cell)"
    r"|(?P<block>block|list-item|table|flex|grid))"
    r"|(?P<struck>line-through)|(?P<as_is>white-space\s*+:\s*+pre)"
    # Word's mark of an item, with no-break spaces up to the item's text.
    r"|(?P<mark>mso-list\s*+:\s*+ignore)",
    re.IGNORECASE,
)
STYLED_MIN = 20
FILE_NAME = re.compile(r"[^\s/\\]+\.[a-zA-Z0-9]{2,5}\Z")
# Longer names would make the text of many images far longer than their HTML.
IMAGE_NAME_MAX = 100
NUMBER = re.compile(r"\s*+(\d{1,9})\s*+\Z", re.ASCII)
BULLET = "* "


@dataclass(slots=True)
class _Element:
    """An open element: what its end has to undo."""

    name: str = ""
    raw: str = ""
    hidden: bool = False
    as_is: bool = False
    struck: bool = False
    is_mark: bool = False
    is_link: bool = False
    is_block: bool = False
    is_box: bool = False
    table: Table | None = None
    # Of a cell: the lines that its table is in.
    around: Lines | None = None


PLAIN = _Element()


def text_of_html(tokens: Iterable[Token], names: Mapping[str, str]) -> str:
    """Returns the text; `names` are those of the images in the message, by their Content-IDs."""
    writer = _Writer(names)
    for token in tokens:
        if not token.name:
            writer.text(token.raw)
        elif token.closes:
            writer.end()
        else:
            writer.start(token)
    return "\n".join(writer.finish()).rstrip("\n").replace(NO_BREAK, " ")


def attribute(raw: str, name: str) -> str:
    """Returns the value of an attribute of a tag, or ""."""
    if name in raw.lower():
        for found in ATTRIBUTE.finditer(raw):
            if found[1].lower() == name:
                return html.unescape(found[2] or found[3] or found[4] or "")
    return ""


def _number(raw: str, name: str) -> int | None:
    """Returns the number in an attribute of a tag, or None."""
    found = NUMBER.match(attribute(raw, name))
    return int(found[1]) if found else None


def _styles(raw: str) -> set[str | None]:
    # Few tags have such words; some of these have them in a URL or a title.
    if len(raw) < STYLED_MIN or not STYLE.search(raw):
        return set()
    return {found.lastgroup for found in STYLE.finditer(attribute(raw, "style"))}


class _Writer:
    """Writes elements to the lines of the document or, within a table, of a cell."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._lines = Lines()
        self._open: list[_Element] = []
        self._tables: list[Table] = []
        self._tables_too_deep = 0
        # The numbers of the next items of the open lists; None for lists without numbers.
        self._numbers: list[int | None] = []
        self._hidden = 0
        self._as_is = 0
        self._marks = 0

    def text(self, raw: str) -> None:
        """Writes a text."""
        if self._hidden:
            return
        text = html.unescape(raw) if "&" in raw else raw
        if self._marks:
            text = text.replace(NO_BREAK, " ")
        if self._as_is:
            self._lines.write_as_is(text)
        else:
            self._lines.write(text)

    def start(self, token: Token) -> None:
        """Begins an element; those without content have no end."""
        if token.name not in VOID:
            self._open.append(PLAIN if self._hidden else self._begin(token))
        elif not self._hidden:
            self._write_void(token)

    def end(self) -> None:
        """Ends the innermost element."""
        element = self._open.pop()
        if element is PLAIN:
            return
        self._hidden -= element.hidden
        self._as_is -= element.as_is
        self._marks -= element.is_mark
        self._lines.struck -= element.struck
        if element.name == "q" and not element.hidden:
            self._lines.write(QUOTATION[1])
        if element.is_link:
            self._lines.end_link()
        if element.is_block:
            self._end_block(element)
        elif element.is_box:
            self._lines.part_words()

    def finish(self) -> list[str]:
        """Returns the lines of the document."""
        return self._lines.finish()

    def _write_void(self, token: Token) -> None:
        if token.name == "br":
            self._lines.end_line()
        elif token.name == "hr":
            self._lines.break_paragraph()
        elif token.name in BOXES:
            styles = _styles(token.raw)
            part = self._lines.break_line if "block" in styles else self._lines.part_words
            part()
            if token.name == "img" and "hidden" not in styles:
                self._image(token.raw)
            part()

    def _begin(self, token: Token) -> _Element:
        name, raw = token.name, token.raw
        styles = _styles(raw)
        if not styles and name not in BLOCKS and name not in INLINE:
            return PLAIN
        element = _Element(name, raw, hidden="hidden" in styles)
        if element.hidden:
            self._hidden += 1
            return element
        element.is_block = name in BLOCKS or "block" in styles
        element.is_box = name in BOXES or "box" in styles
        if element.is_block:
            self._begin_block(element)
        elif element.is_box:
            self._lines.part_words()
        element.as_is = name in AS_IS or "as_is" in styles
        element.struck = name in STRUCK or "struck" in styles
        element.is_mark = "mark" in styles
        self._as_is += element.as_is
        self._marks += element.is_mark
        self._lines.struck += element.struck
        if name == "a" and (href := attribute(raw, "href")):
            element.is_link = True
            self._lines.start_link(href)
        elif name == "q":
            self._lines.write(QUOTATION[0])
        return element

    def _begin_block(self, element: _Element) -> None:
        name = element.name
        if name in CELLS and self._tables and not self._tables_too_deep:
            element.around, self._lines = self._lines, Lines(self._lines.struck)
        elif name in PARAGRAPHS or (name in LISTS and not self._lines.indents):
            self._lines.break_paragraph()
        else:
            self._lines.break_line()
        if name == "table":
            self._begin_table(element)
        elif name == "tr" and self._tables and not self._tables_too_deep:
            self._tables[-1].start_row()
        elif name == "li":
            self._lines.marker = self._marker(element.raw)
        elif name in LISTS:
            self._lines.indents += 1
            first = _number(element.raw, "start")
            self._numbers.append((1 if first is None else first) if name == "ol" else None)

    def _begin_table(self, element: _Element) -> None:
        if len(self._tables) < TABLES_MAX:
            element.table = Table()
            self._tables.append(element.table)
        else:
            self._tables_too_deep += 1

    def _end_block(self, element: _Element) -> None:
        name = element.name
        if element.around:
            cell, self._lines = self._lines.finish(), element.around
            columns, rows = _number(element.raw, "colspan"), _number(element.raw, "rowspan")
            self._tables[-1].add(cell, columns or 1, rows or 1)
            self._tables[-1].headings += name == "th" and bool(cell)
            return
        if name == "table":
            self._end_table(element.table)
        elif name == "li":
            # Of an item without any text.
            self._lines.break_line()
            self._lines.marker = ""
        elif name in LISTS:
            self._lines.indents -= 1
            self._numbers.pop()
        if name in PARAGRAPHS or (name in LISTS and not self._lines.indents):
            self._lines.break_paragraph()
        else:
            self._lines.break_line()

    def _end_table(self, table: Table | None) -> None:
        if table:
            self._tables.pop()
            self._lines.add_table(table.lines())
        else:
            self._tables_too_deep -= 1

    def _marker(self, raw: str) -> str:
        """Returns the mark of an item: a bullet, or the next number."""
        if not self._lines.indents or self._numbers[-1] is None:
            return BULLET
        given = _number(raw, "value")
        number = self._numbers[-1] if given is None else given
        self._numbers[-1] = number + 1
        return f"{number}. "

    def _image(self, raw: str) -> None:
        """Leaves the name of an image: the text for it and, if it is in the message, its file."""
        alt = SPACES.sub(" ", attribute(raw, "alt")).strip()
        source = attribute(raw, "src").strip()
        scheme = source[:5].lower()
        file = self._file_name(source) if scheme.startswith("cid:") else ""
        if alt and not any(map(str.isalnum, alt)):
            if not alt.isascii():
                # An emoji, which some programs write as an image.
                self._lines.write(alt)
                return
            alt = ""
        name = f"{alt} ({file})" if alt and file and file != alt else alt or file
        if name:
            self._lines.write(f"[image: {name}]")
        elif scheme.startswith(("cid:", "data:")):
            self._lines.write("[image]")
        else:
            self._lines.show_in_link()

    def _file_name(self, source: str) -> str:
        """Returns the name of a file in the message; Outlook's ids contain it."""
        content_id = unquote(source[4:]).strip("<> ")
        name = self._names.get(content_id, "")
        if not name and FILE_NAME.match(content_id.partition("@")[0]):
            name = content_id.partition("@")[0]
        return name[:IMAGE_NAME_MAX]
