"""Balances HTML: its tokens in, the same with an end tag for each start tag out.

Browsers build a tree for this. Here, a few rules suffice: an end tag closes all within its element,
one without an element is dropped, and the start tags of some elements close the one before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from services.parser.text.hypertext.tokens import Token

# Real messages need under 200. The time to clean HTML grows with its length and its depth.
DEPTH_MAX = 300
# A tag is compared with this many open elements.
COMPARED_MAX = 50
WORD = re.compile(r"\S+")
VOID = frozenset(
    WORD.findall("area base br col embed frame hr img input link meta param source track wbr")
)
BLOCKS = frozenset(
    WORD.findall(
        "address article aside blockquote body caption center dd details dir div dl dt fieldset"
        " figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main menu"
        " nav ol option p pre section summary table tbody td tfoot th thead tr ul"
    )
)
CELLS = frozenset({"td", "th"})
LISTS = frozenset({"ul", "ol", "dir", "menu"})
TABLE = frozenset({"table"})
TABLE_GROUPS = frozenset({"tbody", "thead", "tfoot", "caption"})
PARTS_OF_TABLES = CELLS | TABLE_GROUPS | {"tr"}
# Elements whose texts have no place outside a cell, and what may stand there. Browsers move a text
# there to before the table, which takes nh3 quadratic time.
WITHOUT_TEXT = TABLE | {"tbody", "thead", "tfoot", "tr"}
OUTSIDE_CELLS = PARTS_OF_TABLES | {"col", "colgroup", "form", "input", "link", "meta"}
# The elements that a start tag closes, and those beyond which they are not looked for.
CLOSES = {
    "li": (frozenset({"li"}), LISTS | TABLE),
    "dt": (frozenset({"dt", "dd"}), TABLE | {"dl"}),
    "dd": (frozenset({"dt", "dd"}), TABLE | {"dl"}),
    "option": (frozenset({"option"}), TABLE),
    "a": (frozenset({"a"}), TABLE),
}
# The elements of which a part of a table closes the content.
WITHIN = {
    **dict.fromkeys(CELLS, TABLE | TABLE_GROUPS | {"tr"}),
    "tr": TABLE | TABLE_GROUPS,
    **dict.fromkeys(TABLE_GROUPS, TABLE),
}
# Each block closes a paragraph.
PARAGRAPH, BEYOND_PARAGRAPH = frozenset({"p"}), BLOCKS - {"p"}
CLOSING = BLOCKS | CLOSES.keys()


def balanced(tokens: Iterable[Token]) -> Iterator[Token]:
    """Yields the tokens with exactly one end tag for each start tag.

    Elements that are deeper than DEPTH_MAX become line breaks.
    """
    names: list[str] = []
    too_deep = 0
    for token in tokens:
        name = token.name
        if names and names[-1] in WITHOUT_TEXT and _needs_cell(token):
            names.append("td")
            yield Token("<td>", "td")
        if not name or (name in VOID and not token.closes):
            yield token
        elif not token.closes:
            if name in CLOSING:
                yield from _close(names, _first_closed(names, name))
            if len(names) < DEPTH_MAX:
                names.append(name)
                yield token
            else:
                too_deep += 1
                if name in BLOCKS:
                    yield Token("<br>", "br")
        elif too_deep:
            too_deep -= 1
            if name in BLOCKS:
                yield Token("<br>", "br")
        else:
            yield from _close(names, _first_ended(names, name))
    yield from _close(names, 0)


def _needs_cell(token: Token) -> bool:
    if not token.name:
        return not token.raw.isspace()
    return not token.closes and token.name not in OUTSIDE_CELLS


def _close(names: list[str], first: int) -> Iterator[Token]:
    """Yields end tags for the elements from this index on."""
    while len(names) > first:
        name = names.pop()
        yield Token(f"</{name}>", name, closes=True)


def _first_closed(names: list[str], name: str) -> int:
    """Returns the index of the element that this start tag closes."""
    count = len(names)
    if name in WITHIN:
        first = _innermost(names, WITHIN[name], frozenset()) + 1
        if first <= count:
            return first
    elif name in CLOSES:
        first = _innermost(names, *CLOSES[name])
        if first < count:
            return first
    return _innermost(names, PARAGRAPH, BEYOND_PARAGRAPH) if name in BLOCKS else count


def _first_ended(names: list[str], name: str) -> int:
    """Returns the index of the element that this end tag ends."""
    if names and names[-1] == name:
        return len(names) - 1
    if name in TABLE:
        return _innermost(names, TABLE, frozenset())
    beyond = TABLE if name in PARTS_OF_TABLES else TABLE | CELLS
    return _innermost(names, frozenset({name}), beyond)


def _innermost(names: list[str], wanted: frozenset[str], beyond: frozenset[str]) -> int:
    """Returns the index of the innermost of these elements, or the number of elements."""
    for index in range(len(names) - 1, max(-1, len(names) - 1 - COMPARED_MAX), -1):
        if names[index] in wanted:
            return index
        if names[index] in beyond:
            break
    return len(names)
