"""Reads the text of a `postrail.yaml` into checked entries.

All faults are reported at once, each by its line and field, so that one pass over the file can fix
them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from postrail.configuration import kinds
from postrail.configuration.configured import unknown_field
from postrail.configuration.entry import ConfigurationFileError, Entry, Fault
from postrail.configuration.kind import Kind

# Deeper than any field of ours: a list of names in an entry of a section has four levels.
MOST_LEVELS = 20
HAS_FIELDS = "must have fields, such as 'name: …'"
WHOLE_NUMBER, TRUE_OR_FALSE = "must be a whole number", "must be true or false"
# What is wrong, by pydantic's word for it.
PROBLEMS = {
    "missing": "is missing",
    "string_too_short": "must not be empty",
    "int_type": WHOLE_NUMBER,
    "int_parsing": WHOLE_NUMBER,
    "int_from_float": WHOLE_NUMBER,
    "bool_type": TRUE_OR_FALSE,
    "bool_parsing": TRUE_OR_FALSE,
    "extra_forbidden": "is not known",
    "model_type": HAS_FIELDS,
    "dict_type": HAS_FIELDS,
    "model_attributes_type": HAS_FIELDS,
}
# A longer value is not repeated.
SHOWN_CHARACTERS = 60
AS_LIST = "begin each item with '- ', or write [one, two]"


def parse_file(text: str, file: str) -> list[Entry]:
    """Returns the entries of a file in its order; raises ConfigurationFileError with all faults."""
    reader = _Reader(file)
    entries = reader.read(text)
    if reader.faults:
        raise ConfigurationFileError(file, reader.faults)
    return entries


class _Loader(yaml.SafeLoader):
    """Refuses nodes that are nested too deeply for the recursion of the library."""

    _level = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Composes a node and those below it; raises MarkedYAMLError at the level too many."""
        self._level += 1
        if self._level > MOST_LEVELS:
            problem = f"is nested deeper than {MOST_LEVELS} levels"
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self._level -= 1


class _Reader:
    """Walks the nodes of one file, because only nodes have line numbers."""

    def __init__(self, file: str) -> None:
        self.faults: list[Fault] = []
        self._file = file

    def read(self, text: str) -> list[Entry]:
        try:
            root = yaml.compose(text, Loader=_Loader)
        except yaml.YAMLError as error:
            raise ConfigurationFileError(self._file, [_yaml_fault(error, text)]) from error
        if root is None:
            return []
        kind_of_section = {kind.section: kind for kind in kinds.KINDS}
        sections = self._fields(root, "the file", list(kind_of_section))
        entries = [
            entry
            for name, (_, node) in sections.items()
            for entry in self._section(kind_of_section[name], node)
        ]
        self._refuse_repeated(entries)
        return entries

    def _section(self, kind: Kind[Any], node: yaml.Node) -> list[Entry]:
        if _is_blank(node):
            return []
        if not isinstance(node, yaml.SequenceNode):
            self._fault(node, kind.section, f"must be a list; {AS_LIST}")
            return []
        items = [self._item(kind, item) for item in node.value]
        return [entry for entry in items if entry is not None]

    def _item(self, kind: Kind[Any], node: yaml.Node) -> Entry | None:
        before = len(self.faults)
        known = list(kind.model.model_fields)
        label = _label(kind, node)
        given = self._fields(node, label, known, kind.former_fields)
        fields = self._by_present_names(kind, given, label)
        set_by = {name: by for name, by in kind.set_by.items() if name not in fields}
        written = {name: ": ".join(by) for name, by in set_by.items() if by[0] in fields}
        placed = fields | {name: fields[set_by[name][0]] for name in written}
        values = {name: self._value(value, label) for name, (_, value) in fields.items()}
        values = {name: value for name, value in values.items() if value is not None}
        for former, name in kind.former_fields.items():
            if former in given and former in kind.former_values and name in values:
                values[name] = kind.former_values[former](values[name])
        if len(self.faults) > before:
            return None
        try:
            thing = kind.model.model_validate(values)
        except ValidationError as error:
            for name, problem in _problems(kind, error):
                where = f"{label}, {written.get(name, name)}" if name else label
                self.faults.append(
                    Fault(line=_at(placed, name, node), where=where, problem=problem)
                )
            return None
        placed |= given
        return Entry(
            thing=thing,
            kind=kind.word,
            identity=kind.identity_of(thing),
            line=_line(node),
            lines={name: _line(key) for name, (key, _) in placed.items()},
            given=frozenset(values),
            written=written,
        )

    def _by_present_names(
        self, kind: Kind[Any], given: Mapping[str, tuple[yaml.Node, yaml.Node]], label: str
    ) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Returns the fields by the names of this release; reports one that is given by two."""
        fields = dict(given)
        for former, name in kind.former_fields.items():
            if former in fields and name in fields:
                where = f"{label}, {former}"
                self._fault(fields[former][0], where, f"is the former name of {name}: remove it")
            elif former in fields:
                fields[name] = fields.pop(former)
        return fields

    def _fields(
        self,
        node: yaml.Node,
        where: str,
        known: Sequence[str],
        also: Collection[str] = (),
    ) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Returns the known fields of a mapping as nodes (key, value); reports other fields.

        It takes those of `also`, too, which its faults do not name.
        """
        if not isinstance(node, yaml.MappingNode):
            self._fault(node, where, f"must have fields, such as '{known[0]}: …'")
            return {}
        fields: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            if name not in known and name not in also:
                self._fault(key, f"{where}, {name}", unknown_field(name, known))
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
        except ValueError as error:
            # It has the form of a date or number that does not exist, such as 2024-13-45.
            self._fault(node, where, f"cannot be read: {error}")
        return None

    def _refuse_repeated(self, entries: Sequence[Entry]) -> None:
        first: dict[tuple[str, str], Entry] = {}
        for entry in entries:
            earlier = first.setdefault((entry.kind, entry.identity), entry)
            if earlier is not entry:
                field = kinds.kind_of(entry.thing).identity
                self.faults.append(entry.fault(field, f"is given at line {earlier.line} already"))

    def _fault(self, node: yaml.Node, where: str, problem: str) -> None:
        self.faults.append(Fault(line=_line(node), where=where, problem=problem))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _is_blank(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _at(fields: Mapping[str, tuple[yaml.Node, yaml.Node]], name: str, node: yaml.Node) -> int:
    """Returns the line of a field's value, or that of its thing."""
    value = fields[name][1] if name in fields else node
    return _line(node if _is_blank(value) else value)


def _label(kind: Kind[Any], node: yaml.Node) -> str:
    """Returns the word for a thing, and its name if the file gives one."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    for key, value in pairs:
        if key.value == kind.identity and isinstance(value, yaml.ScalarNode) and value.value:
            is_text = value.tag == "tag:yaml.org,2002:str"
            return f"{kind.word} {value.value!r}" if is_text else f"{kind.word} {value.value}"
    return kind.word


def _yaml_fault(error: yaml.YAMLError, text: str) -> Fault:
    mark = getattr(error, "problem_mark", None)
    position = getattr(error, "position", None)
    if mark is not None:
        line = mark.line + 1
    else:
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else 1
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return Fault(line=line, where="YAML", problem=str(problem))


def _problems(kind: Kind[Any], error: ValidationError) -> Iterator[tuple[str, str]]:
    """Yields each field at fault ("" for the thing as a whole) with its problem."""
    for detail in error.errors():
        if detail["type"] == "fields":
            yield from detail["ctx"]["faults"]
        else:
            field = str(detail["loc"][0]) if detail["loc"] else ""
            yield field, _in_words(kind, detail, field)


def _in_words(kind: Kind[Any], detail: ErrorDetails, field: str) -> str:
    """Returns pydantic's error in plain words, without the value."""
    own = kind.model.model_fields[field].description if field else None
    if detail["type"] == "string_pattern_mismatch" and own:
        return f"must be {own}"
    place = "".join(
        f"item {part + 1}: " if isinstance(part, int) else f"{part}: "
        for part in detail["loc"][1:]
        if not str(part).startswith("[")
    )
    if detail["type"] == "string_pattern_mismatch":
        forms = dict(_forms(kind.model.model_json_schema()))
        if form := forms.get(detail["ctx"]["pattern"]):
            return f"{place}must be {form}"
    return place + _problem(detail)


def _forms(schema: Any) -> Iterator[tuple[str, str]]:
    """Yields each pattern of a JSON schema, and the form of text that it stands for in words."""
    parts: Iterable[Any] = schema if isinstance(schema, list) else ()
    if isinstance(schema, dict):
        parts = schema.values()
        if isinstance(schema.get("pattern"), str) and "description" in schema:
            yield schema["pattern"], schema["description"]
    for part in parts:
        yield from _forms(part)


def _problem(detail: ErrorDetails) -> str:
    if problem := PROBLEMS.get(detail["type"]):
        return problem
    match detail["type"], detail["input"]:
        case "string_type", list():
            return "must be one text, not a list"
        case "string_type", dict():
            return "must be text, without fields of its own"
        case "string_type", _:
            return "must be text; put it in quotes"
        case "list_type", given:
            return f"must be a list; {_as_list(given)}"
        case "value_error", _:
            return str(detail.get("ctx", {}).get("error", detail["msg"]))
    message = detail["msg"].replace("Input should be", "must be")
    return message.replace("List should", "must").replace("String should", "must")


def _as_list(given: Any) -> str:
    """Returns how to write a single value as a list."""
    if not isinstance(given, str | int) or len(str(given)) > SHOWN_CHARACTERS:
        return AS_LIST
    return f"write {yaml.safe_dump([given], default_flow_style=True, allow_unicode=True).strip()}"
