"""The text of a `postrail.yaml` in, checked accounts, connections, projects and people out.

Every fault is named by its line and field, and all of them at once, so that a file is mended in
one go.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from postrail.configuration.configured import Configured
from postrail.configuration.credential import OAuthCredential
from postrail.configuration.mail_account import MailAccount
from postrail.configuration.outgoing_connection import OutgoingConnection
from postrail.configuration.person import Person
from postrail.configuration.project import Project
from postrail.configuration.store import IDENTITIES, KINDS
from postrail.errors import ConfigurationError

SECTIONS: dict[str, type[Configured]] = {
    "connections": OutgoingConnection,
    "projects": Project,
    "accounts": MailAccount,
    "people": Person,
    "credentials": OAuthCredential,
}

# What a field should look like, where a pattern says it to machines only.
FORMS = {
    "name": "letters, digits, '.', '_' and '-', without spaces",
    "key": "2 to 20 of A-Z, 0-9 and _, beginning with a letter, such as HELP",
    "project": "the key of a project, such as HELP",
    "address": "an address such as help@example.org",
    "from_address": "an address such as help@example.org",
    "thumbprint": "the 40 hexadecimal digits of the certificate's SHA-1 thumbprint",
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong with the file."""

    line: int
    # Readable: "account 'help', port".
    where: str
    problem: str


class ConfigurationFileError(ConfigurationError):
    """The file cannot be applied as it is; nothing of it was written."""

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
    """A thing as the file gives it, and where."""

    thing: Configured
    line: int
    lines: Mapping[str, int]
    # The fields that the file names with a value; others have their defaults.
    given: frozenset[str]

    @property
    def kind(self) -> str:
        """The word for it: account, connection, credential, project or person."""
        return KINDS[type(self.thing)]

    @property
    def identity(self) -> str:
        """What it is known by."""
        return str(getattr(self.thing, IDENTITIES[type(self.thing)]))

    def fault(self, field: str, problem: str) -> Fault:
        """A fault of this thing, at the field's line if the file names it."""
        line = self.lines.get(field, self.line)
        return Fault(line=line, where=f"{self.kind} {self.identity!r}, {field}", problem=problem)


def parse_file(text: str, file: str) -> list[Entry]:
    """The things of a file, in its order; raises ConfigurationFileError naming each fault."""
    reader = _Reader(file)
    entries = reader.read(text)
    if reader.faults:
        raise ConfigurationFileError(file, reader.faults)
    return entries


class _Reader:
    """Walks the nodes of one file, because only nodes know their lines."""

    def __init__(self, file: str) -> None:
        self.faults: list[Fault] = []
        self._file = file

    def read(self, text: str) -> list[Entry]:
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            raise ConfigurationFileError(self._file, [_yaml_fault(error, text)]) from error
        if root is None:
            return []
        sections = self._fields(root, "the file", list(SECTIONS))
        entries = [
            entry for name in sections for entry in self._section(SECTIONS[name], sections[name][1])
        ]
        self._refuse_repeated(entries)
        return entries

    def _section(self, model: type[Configured], node: yaml.Node) -> list[Entry]:
        if _is_blank(node):
            return []
        if not isinstance(node, yaml.SequenceNode):
            self._fault(node, KINDS[model], "must be a list; begin each item with '- '")
            return []
        items = [self._item(model, item) for item in node.value]
        return [entry for entry in items if entry is not None]

    def _item(self, model: type[Configured], node: yaml.Node) -> Entry | None:
        kind = KINDS[model]
        before = len(self.faults)
        fields = self._fields(node, kind, list(model.model_fields))
        values = {name: self._value(value, kind) for name, (_, value) in fields.items()}
        values = {name: value for name, value in values.items() if value is not None}
        lines = {name: _line(key) for name, (key, _) in fields.items()}
        if len(self.faults) > before:
            return None
        label = f"{kind} {values.get(IDENTITIES[model], '')!r}"
        try:
            # A password that the file leaves out is kept; who compares with the database decides.
            blank = {"password": ""} if "password" in model.model_fields else {}
            thing = model.model_validate(blank | values)
        except ValidationError as error:
            for name, problem in _problems(error):
                self._model_fault(name, problem, label, fields, _line(node))
            return None
        return Entry(thing=thing, line=_line(node), lines=lines, given=frozenset(values))

    def _fields(
        self, node: yaml.Node, where: str, known: Sequence[str]
    ) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """The known fields of a mapping with the nodes of key and value; others are faults."""
        if not isinstance(node, yaml.MappingNode):
            self._fault(node, where, f"must have fields, such as '{known[0]}: …'")
            return {}
        fields: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            if name not in known:
                self._fault(key, f"{where}, {name}", _unknown(name, known))
            elif name in fields:
                self._fault(key, f"{where}, {name}", "is given twice")
            else:
                fields[name] = (key, value)
        return fields

    def _value(self, node: yaml.Node, where: str) -> Any:
        try:
            return yaml.constructor.SafeConstructor().construct_document(node)
        except yaml.constructor.ConstructorError as error:
            self._fault(node, where, error.problem or "cannot be read")
            return None

    def _model_fault(
        self,
        name: str,
        problem: str,
        label: str,
        fields: Mapping[str, tuple[yaml.Node, yaml.Node]],
        line: int,
    ) -> None:
        if name in fields:
            line = _line(fields[name][1]) if not _is_blank(fields[name][1]) else line
        where = f"{label}, {name}" if name else label
        self.faults.append(Fault(line=line, where=where, problem=problem))

    def _refuse_repeated(self, entries: Sequence[Entry]) -> None:
        first: dict[tuple[str, str], Entry] = {}
        for entry in entries:
            earlier = first.setdefault((entry.kind, entry.identity), entry)
            if earlier is not entry:
                field = IDENTITIES[type(entry.thing)]
                self.faults.append(entry.fault(field, f"is given at line {earlier.line} already"))

    def _fault(self, node: yaml.Node, where: str, problem: str) -> None:
        self.faults.append(Fault(line=_line(node), where=where, problem=problem))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _is_blank(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _unknown(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"is not known; did you mean {close[0]!r}?"
    return f"is not known; known are: {', '.join(known)}"


def _yaml_fault(error: yaml.YAMLError, text: str) -> Fault:
    mark = getattr(error, "problem_mark", None)
    position = getattr(error, "position", None)
    if mark is not None:
        line = mark.line + 1
    else:
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else 1
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return Fault(line=line, where="YAML", problem=str(problem))


def _problems(error: ValidationError) -> Iterator[tuple[str, str]]:
    """The fields that are at fault ("" for the thing as a whole), and what is wrong with each."""
    for detail in error.errors():
        if detail["type"] == "fields":
            yield from detail["ctx"]["faults"]
        else:
            field = str(detail["loc"][0]) if detail["loc"] else ""
            yield field, _in_words(detail, field)


def _in_words(detail: ErrorDetails, field: str) -> str:
    """What pydantic found, for somebody who does not know pydantic. Never shows the value."""
    match detail["type"]:
        case "missing":
            return "is missing"
        case "string_type" if not isinstance(detail["input"], (list, dict)):
            return "must be text; put it in quotes"
        case "string_too_short":
            return "must not be empty"
        case "string_pattern_mismatch" if field in FORMS:
            return f"must be {FORMS[field]}"
        case "value_error":
            return str(detail.get("ctx", {}).get("error", detail["msg"]))
    return detail["msg"].replace("Input should be", "must be").replace("List should", "must")
