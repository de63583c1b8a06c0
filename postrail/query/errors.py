"""The error of a query that is not valid: it shows the place."""

from __future__ import annotations

from postrail.errors import PermanentError
from postrail.query.tree import Word

# The characters of the line that an error shows around the place.
SHOWN_CHARACTERS = 100


class QueryError(PermanentError):
    """The query is not valid; nothing was searched for."""

    def __init__(
        self, problem: str, text: str, line: int, column: int, *, remedy: str = ""
    ) -> None:
        # Both are from 1; 0: the value is not of the text, but of a filter beside it.
        self.line = line
        self.column = column
        if line:
            problem = f"the query is not valid at line {line}, column {column}: {problem}"
            problem += "\n" + marked_line(text, line, column)
        super().__init__(problem, remedy=remedy)

    def __str__(self) -> str:
        return f"{self.problem}\n{self.remedy}".rstrip()


def marked_line(text: str, line: int, column: int) -> str:
    """Returns a line of the query, or the part around the column, with a caret below it."""
    lines = text.split("\n")
    shown = lines[line - 1] if line <= len(lines) else ""
    start = max(0, column - 1 - SHOWN_CHARACTERS // 2)
    part = shown[start : start + SHOWN_CHARACTERS].replace("\t", " ")
    return f"    {part}\n    {' ' * (column - 1 - start)}^"


def error_at(word: Word, text: str, problem: str, *, remedy: str = "") -> QueryError:
    """Returns the error of a word of the query."""
    return QueryError(problem, text, word.line, word.column, remedy=remedy)
