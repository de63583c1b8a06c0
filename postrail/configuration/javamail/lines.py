"""Reads lines of properties (NAME=value) and replaces their variables. Pure."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LINE = re.compile(r"([^=:\s]+)\s*[=:]\s*(.*)")
VARIABLE = re.compile(r"\$\{\{\s*([^{}]*?)\s*\}\}")
# Searching for similar names takes long when a name is long or when there are many.
LONGEST_NAME = 100
# Control and format characters (zero-width ones too), and blanks other than the space.
ODD_CATEGORIES = ("Cc", "Cf", "Zl", "Zp", "Zs")
MOST_FAULTS = 20


@dataclass(frozen=True, slots=True)
class Line:
    """A line with a property."""

    number: int
    name: str
    value: str

    @property
    def where(self) -> str:
        """Returns the line as messages name it."""
        return f"line {self.number}: {self.name[:LONGEST_NAME]}"


def property_lines(
    text: str, variables: Mapping[str, str], names: Mapping[str, str]
) -> tuple[list[Line], list[str]]:
    """Returns the lines and the faults. A line may set a variable for later lines.

    `names` has the property that each variable stands for.
    """
    known = dict(variables)
    lines: list[Line] = []
    faults: list[str] = []
    for number, raw in enumerate(re.split(r"\r\n?|\n", text), 1):
        stripped = raw.strip()
        if not stripped or stripped[0] in "#!":
            continue
        if len(faults) >= MOST_FAULTS:
            break
        if odd := _odd_characters(raw, stripped):
            faults.append(f"line {number}, {odd}")
            continue
        match = LINE.fullmatch(_replaced(stripped, number, known, faults))
        if match is None:
            faults.append(f"line {number}: must be NAME=value, or a comment after #")
            continue
        name, value = match[1], match[2].strip()
        if name in names:
            known[name] = value
            name = names[name]
        lines.append(Line(number, name, value))
    return lines, faults


def unknown(name: str, known: Iterable[str], otherwise: str) -> str:
    """Returns the problem of an unknown name, with a suggestion."""
    close = difflib.get_close_matches(name[:LONGEST_NAME], list(known), n=1)
    return f"is not known; {f'did you mean {close[0]}?' if close else otherwise}"


def _odd_characters(raw: str, stripped: str) -> str:
    """Names the first character that was copied along and cannot be seen; blank: there is none."""
    begins = raw.index(stripped)
    for column, character in enumerate(stripped, begins + 1):
        if character not in " \t" and unicodedata.category(character) in ODD_CATEGORIES:
            name = unicodedata.name(character, "a control character")
            place = f"column {column}: has {name} (U+{ord(character):04X})"
            return f"{place}, which nobody sees: remove it"
    return ""


def _replaced(line: str, number: int, variables: Mapping[str, str], faults: list[str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in variables:
            problem = unknown(match[1], variables, "known are: " + ", ".join(variables))
            name = match[1][:LONGEST_NAME]
            faults.append(f"line {number}: the variable {name} {problem}")
        return variables.get(match[1], "")

    replaced = VARIABLE.sub(value, line)
    if "${" in replaced:
        faults.append(f"line {number}: variables are written as ${{{{NAME}}}}")
    return replaced
