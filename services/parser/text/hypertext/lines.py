"""Collects lines of text as browsers lay HTML out: pieces of text and breaks in, lines out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from services.parser.text.hypertext.links import shown_target

# HTML's white space, and other control characters; a no-break space is a character of the text.
SPACES = re.compile("[\x00-\x20\x7f-\x9f]+")
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]+")
NO_BREAK = "\xa0"
# Newsletters fill the preview that mail programs show with such characters.
UNSEEN_AT_END = " \t\xa0\u00ad\u034f\u2007\u200b\u200c\u200d\u2060\ufeff"
STRUCK = "~~"
# Deeper lists are not indented further, so that the text does not become longer than its HTML.
INDENTS_MAX = 8


class Lines:
    """The lines of a document or of a cell."""

    def __init__(self, struck: int = 0) -> None:
        self.lines: list[str] = []
        # How many elements around it are struck.
        self.struck = struck
        # How many lists the line is in, and the mark of the item that begins with it.
        self.indents = 0
        self.marker = ""
        self._pieces: list[str] = []
        self._space = False
        # Whether something without text, or its edge, parts the next word from the last one.
        self._gap = False
        self._is_struck = False
        # The link that the next text is in, or that ended before it.
        self._href = ""
        self._link_text: list[str] = []
        self._in_link = False

    def write(self, text: str) -> None:
        """Adds a text, whose runs of white space are one space each."""
        text = SPACES.sub(" ", text)
        core = text.strip(" ")
        if not core:
            self._space = self._space or bool(text)
            return
        self._space = self._space or text[0] == " "
        self._add(core)
        self._space = text[-1] == " "

    def write_as_is(self, text: str) -> None:
        """Adds a text with its spaces and line ends."""
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        first, *rest = [CONTROLS.sub(" ", line) for line in lines]
        if first:
            self._add(first)
        for line in rest:
            self.end_line()
            if line:
                self._add(line)

    def _add(self, text: str) -> None:
        if not self._in_link:
            self._write_target()
        if self._is_struck and not self.struck:
            self._end_struck()
        if self._pieces and (self._space or (self._gap and _are_words(self._pieces[-1], text))):
            self._pieces.append(" ")
        self._space = self._gap = False
        if self.struck and not self._is_struck:
            self._pieces.append(STRUCK)
            self._is_struck = True
        self._pieces.append(text)
        if self._in_link:
            self._link_text.append(text)

    def part_words(self) -> None:
        """Parts the next word from the one before; a full stop may follow it at once."""
        self._gap = True

    def start_link(self, href: str) -> None:
        """Begins a link. Some programs write one link as several that follow each other."""
        if href != self._href:
            self._write_target()
            self._href = href
        self._in_link = True

    def show_in_link(self) -> None:
        """Notes that a link shows something that has no text."""
        if self._in_link:
            self._link_text.append("")

    def end_link(self) -> None:
        """Ends a link; its target follows when other text does."""
        self._in_link = False

    def _write_target(self) -> None:
        """Writes the target of the link that ended, unless nothing of it is seen."""
        text = "".join(self._link_text)
        if self._link_text and (target := shown_target(self._href, text)):
            if self._pieces:
                space = "" if self._pieces[-1].endswith(NO_BREAK) else " "
                self._pieces.append(f"{space}<{target}>")
            elif text and self.lines:
                self.lines[-1 if self.lines[-1] else -2] += f" <{target}>"
            else:
                self._pieces.append(f"<{target}>")
        self._href = ""
        self._link_text.clear()

    def _end_struck(self) -> None:
        self._pieces.append(STRUCK)
        self._is_struck = False

    def end_line(self) -> None:
        """Ends a line, which may be empty."""
        if not self._in_link:
            self._write_target()
        if self._is_struck:
            self._end_struck()
        text = "".join(self._pieces).rstrip(UNSEEN_AT_END)
        self._pieces.clear()
        self._space = self._gap = False
        self._add_line(text)

    def _add_line(self, text: str) -> None:
        """Adds a line; of empty lines that follow each other only one, none at the beginning."""
        if text:
            depth = min(self.indents, INDENTS_MAX)
            mark = self.marker or ("  " if depth else "")
            self.lines.append("  " * (depth - 1) + mark + text)
            self.marker = ""
        elif self.lines and self.lines[-1]:
            self.lines.append("")

    def break_line(self) -> None:
        """Ends the line unless it is empty."""
        if self._pieces:
            self.end_line()
        elif not self._in_link:
            self._write_target()

    def break_paragraph(self) -> None:
        """Ends the line, and leaves an empty line."""
        self.break_line()
        self._add_line("")

    def add_table(self, lines: Iterable[str]) -> None:
        """Adds the lines of a table."""
        self.break_line()
        for line in lines:
            self._add_line(line)
            if self._in_link:
                self._link_text.append(line)

    def finish(self) -> list[str]:
        """Returns all lines; an empty one at the end separates them from what follows."""
        self._in_link = False
        self._write_target()
        self.break_line()
        return self.lines


def _are_words(before: str, text: str) -> bool:
    return before[-1].isalnum() and text[0].isalnum()
