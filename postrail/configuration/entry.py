"""The entries of a `postrail.yaml` with their lines, and the faults found in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

from postrail.configuration.configured import Configured
from postrail.errors import ConfigurationError

Thing = TypeVar("Thing", bound=Configured)
# What is configured already, by model and identity.
Existing = Mapping[tuple[type[Configured], str], Configured]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong with the file."""

    line: int
    # Readable: "account 'help', port".
    where: str
    problem: str


class ConfigurationFileError(ConfigurationError):
    """The file cannot be applied as it is; none of it was written."""

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        self.file = file
        self.faults = sorted(faults, key=lambda fault: fault.line)
        super().__init__(
            "\n".join(
                f"{file}:{fault.line}: {fault.where}: {fault.problem}" for fault in self.faults
            ),
            remedy="",
        )

    def __str__(self) -> str:
        return self.problem


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A thing as the file gives it, with its place in the file."""

    thing: Configured
    # The word for its kind, such as account, and the name, key or address that identifies it.
    kind: str
    identity: str
    line: int
    lines: Mapping[str, int]
    # The fields to which the file gives a value; the others have their defaults.
    given: frozenset[str]
    # What the file has in the place of fields, such as "jira_parameters: issuetype".
    written: Mapping[str, str] = field(default_factory=dict)

    def fault(self, name: str, problem: str) -> Fault:
        """Returns a fault of this thing, at the field's line if the file names the field."""
        line = self.lines.get(name, self.line)
        where = f"{self.kind} {self.identity!r}, {self.written.get(name, name)}"
        return Fault(line=line, where=where, problem=problem)


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The entries of a file together with what is configured already."""

    entries: Sequence[Entry]
    existing: Existing

    def all_of(self, model: type[Thing]) -> dict[str, Thing]:
        """Returns all things of a kind by identity, as they will be once the file is applied."""
        given = {name: cast("Thing", one.thing) for name, one in self.entries_of(model).items()}
        return self.all_stored(model) | given

    def all_stored(self, model: type[Thing]) -> dict[str, Thing]:
        """Returns all things of a kind by identity, as they are before the file is applied."""
        return {
            name: cast("Thing", thing) for (of, name), thing in self.existing.items() if of is model
        }

    def entries_of(self, model: type[Configured]) -> dict[str, Entry]:
        """Returns the file's entries of a kind by identity."""
        return {entry.identity: entry for entry in self.entries if type(entry.thing) is model}


def unknown_name(word: str, name: str, known: Mapping[str, Configured]) -> str:
    """Returns the problem of a field that names a thing that does not exist."""
    names = ", ".join(sorted(known)) or "none"
    return f"there is no {word} {name!r} in the file or the database; there are: {names}"
