"""Reads from the sources which tables each module names in SQL, and which package owns each table.

A package owns the tables that its docstring lists in the sentence `Owns the tables: a, b.`; a
single module, such as `postrail/instance.py`, may own tables in the same way.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OWNS = re.compile(r"Owns the tables?:\s*([^.]+)\.")
CREATED = re.compile(r"CREATE (?:TABLE|SEQUENCE)(?: IF NOT EXISTS)? (\w+)")
DROPPED = re.compile(r"DROP (?:TABLE|SEQUENCE)(?: IF EXISTS)? (\w+)")
RENAMED = re.compile(r"ALTER (?:TABLE|SEQUENCE) (\w+) RENAME TO (\w+)")

# A placeholder in the text of a statement that is put together: {}, {name} or {0}.
NAME = r"(?:\w+|\{\w*\})"
KEYWORD = r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|TRUNCATE|USING)"
ALIAS = rf"(?:\s+(?:AS\s+)?(?!(?:SET|WHERE|ON|USING|ORDER|GROUP|LIMIT|LEFT|JOIN)\b){NAME})?"
AFTER_KEYWORD = re.compile(
    rf"{KEYWORD}(?:\s+ONLY)?\s+({NAME}{ALIAS}(?:\s*,\s*{NAME}{ALIAS})*)", re.IGNORECASE
)
BY_FUNCTION = re.compile(r"\b(?:nextval|setval|currval|to_regclass)\(\s*'(\w+)'", re.IGNORECASE)
# In prose "from" and "into" are everywhere: a text is SQL when it has such a word in capitals, or
# when it begins as a statement does.
CAPITAL = re.compile(rf"{KEYWORD}\b|\bSELECT\b")
STATEMENT = re.compile(
    r"\s*(?:select\b.*\bfrom|insert\s+into|update\s+\S+\s+set|delete\s+from|with\s+\w+\s+as\s*\("
    r"|lock\s+table|truncate|copy|merge\s+into)\b",
    re.IGNORECASE | re.DOTALL,
)
WRITES = re.compile(
    r"\b(?:INSERT\s+INTO|UPDATE\s+(?!SKIP|NOWAIT|OF\b)\w+|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE|COPY"
    r"|LOCK\s+TABLE|CREATE|ALTER|DROP|FOR\s+(?:NO\s+KEY\s+)?UPDATE|FOR\s+(?:KEY\s+)?SHARE)\b"
    r"|\b(?:nextval|setval)\(",
    re.IGNORECASE,
)

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, order=True)
class Mention:
    """A table that a module names in SQL, or gives to a function that puts SQL together."""

    file: str
    line: int
    table: str


@dataclass(frozen=True)
class Source:
    """A module's syntax tree."""

    file: str
    tree: ast.Module


def sources(root: Path, *folders: str) -> list[Source]:
    """Reads all Python files of the folders."""
    paths = sorted(path for folder in folders for path in (root / folder).rglob("*.py"))
    return [Source(str(path.relative_to(root)), ast.parse(path.read_bytes())) for path in paths]


def tables_of(statements: Sequence[str]) -> set[str]:
    """Returns the tables and sequences that exist after these statements."""
    tables: set[str] = set()
    for text in statements:
        tables |= set(CREATED.findall(text))
        tables -= set(DROPPED.findall(text))
        for old, new in RENAMED.findall(text):
            tables = (tables - {old}) | {new}
    return tables


def owners(read: Sequence[Source]) -> dict[str, list[str]]:
    """Returns, for each table that a docstring lists, the files of the docstrings."""
    found: dict[str, list[str]] = {}
    for source in read:
        for tables in OWNS.findall(ast.get_docstring(source.tree) or ""):
            for table in re.findall(r"\w+", re.sub(r"\b(?:and|the|sequences?)\b", "", tables)):
                found.setdefault(table, []).append(source.file)
    return found


def owner_of(file: str, owning: set[str]) -> str | None:
    """Returns the file whose docstring speaks for this one: its own, or its nearest package's."""
    candidates = [file, *(str(parent / "__init__.py") for parent in Path(file).parents)]
    return next((one for one in candidates if one in owning), None)


def mentions(read: Sequence[Source], tables: set[str]) -> list[Mention]:
    """Returns the tables that each module names."""
    builders = _builders(read)
    found = set()
    for source in read:
        for node, text in _texts(source.tree):
            found |= {Mention(source.file, node.lineno, t) for t in _named(text) & tables}
        for node, name in _given(source.tree, builders):
            if name in tables:
                found.add(Mention(source.file, node.lineno, name))
    return sorted(found)


def violations(
    found: Sequence[Mention], owned: Mapping[str, Sequence[str]], reads_all: tuple[str, ...]
) -> list[str]:
    """Returns a line for each mention of a table in a package that does not own it."""
    owning = {file for files in owned.values() for file in files}
    return [
        f"{one.file}:{one.line} names {one.table}, which belongs to"
        f" {' and '.join(map(_package, owned.get(one.table, ()))) or 'no package'}"
        for one in found
        if not one.file.startswith(reads_all)
        if owner_of(one.file, owning) not in owned.get(one.table, ())
    ]


def writing(read: Sequence[Source]) -> list[str]:
    """Returns a line for each statement that writes or locks."""
    return [
        f"{source.file}:{node.lineno} writes: {found[0]}"
        for source in read
        for node, text in _texts(source.tree)
        if _is_sql(text) and (found := WRITES.search(text))
    ]


def unreadable(read: Sequence[Source]) -> list[str]:
    """Returns a line for each statement whose table neither a text nor a parameter names."""
    return [
        f"{source.file}:{node.lineno} takes its table from {placeholder}"
        for source in read
        for function, node, text in _texts_by_function(source.tree)
        for placeholder in _placeholders(text)
        if "table" not in placeholder.lower() and placeholder not in _parameters(function)
    ]


def _package(file: str) -> str:
    return file.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")


def _is_sql(text: str) -> bool:
    return bool(CAPITAL.search(text) or STATEMENT.match(text) or BY_FUNCTION.search(text))


def _in_table_places(text: str) -> Iterator[str]:
    """Yields the names and placeholders that stand where a statement names tables."""
    if _is_sql(text):
        for listed in AFTER_KEYWORD.findall(text):
            yield from (item.split()[0] for item in listed.split(","))
        yield from BY_FUNCTION.findall(text)


def _named(text: str) -> set[str]:
    return {name.lower() for name in _in_table_places(text) if not name.startswith("{")}


def _placeholders(text: str) -> set[str]:
    return {name.strip("{}") for name in _in_table_places(text) if name.startswith("{")}


def _texts(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Yields the texts of a module, put together where they are, without its docstrings."""
    for _, node, text in _texts_by_function(tree):
        yield node, text


def _texts_by_function(
    tree: ast.AST, function: ast.AST | None = None
) -> Iterator[tuple[ast.AST | None, ast.expr, str]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        inner = node if isinstance(node, FUNCTIONS) else function
        text = _text(node)
        if text is None or not isinstance(node, ast.expr):
            yield from _texts_by_function(node, inner)
            continue
        yield function, node, text
        if isinstance(node, ast.Call):
            for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
                yield from _texts_by_function(ast.Expression(argument), inner)


def _text(node: ast.AST) -> str | None:
    """Returns the text of a constant, an f-string, a sum or a format; names become {name}."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        value = node.value
        return value.decode("latin-1") if isinstance(value, bytes) else value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or _placeholder(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        if left is not None or right is not None:
            return (left or _placeholder(node.left)) + (right or _placeholder(node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _called_text(node, node.func)
    return None


def _called_text(call: ast.Call, method: ast.Attribute) -> str | None:
    """Returns the text of "…".encode(), and of "…".format() or sql.SQL("…").format()."""
    value = method.value
    if method.attr == "encode":
        return _text(value)
    if method.attr != "format":
        return None
    if isinstance(value, ast.Call) and _called(value) == "SQL" and value.args:
        value = value.args[0]
    text = _text(value)
    if text is None:
        return None
    given = {str(at): _placeholder(argument) for at, argument in enumerate(call.args)}
    given |= {str(one.arg): _placeholder(one.value) for one in call.keywords}
    numbers = itertools.count()
    return re.sub(r"\{(\w*)\}", lambda at: given.get(at[1] or str(next(numbers)), at[0]), text)


def _placeholder(node: ast.AST) -> str:
    while isinstance(node, ast.Call) and _called(node) in ("Identifier", "SQL") and node.args:
        node = node.args[0]
    names = [one for one in ast.walk(node) if isinstance(one, ast.Name | ast.Attribute)]
    last = names[0] if names else None
    name = last.attr if isinstance(last, ast.Attribute) else getattr(last, "id", "")
    return f"{{{name}}}"


def _parameters(function: ast.AST | None) -> list[str]:
    if not isinstance(function, FUNCTIONS):
        return []
    arguments = function.args
    return [one.arg for one in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]]


def _builders(read: Sequence[Source]) -> dict[str, set[int | str]]:
    """Returns the functions that put SQL together, and which of their parameters are tables."""
    found: dict[str, set[int | str]] = {}
    for source in read:
        for function, _, text in _texts_by_function(source.tree):
            names = _parameters(function)
            # A call through an object does not give `self`.
            given = names[1:] if names[:1] in (["self"], ["cls"]) else names
            for name in _placeholders(text) & set(given):
                assert isinstance(function, FUNCTIONS)
                found.setdefault(function.name, set()).update((given.index(name), name))
    return found


def _given(
    tree: ast.Module, builders: Mapping[str, set[int | str]]
) -> Iterator[tuple[ast.expr, str]]:
    """Yields the names that are given to builders, to parameters called table, or kept as TABLE."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            places = builders.get(_called(node), set())
            arguments = [arg for at, arg in enumerate(node.args) if at in places]
            arguments += [
                one.value for one in node.keywords if one.arg in places or one.arg == "table"
            ]
            yield from (pair for argument in arguments for pair in _names(argument))
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any("table" in ast.unparse(target).lower() for target in targets):
                yield from _names(node.value)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)


def _names(node: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one, one.value
