"""Checks templates before they are saved: they hold variables, filters and `if`, and nothing else.

What is allowed is a list: what it lacks, such as loops, calls and operators, makes a text without
bounds of a short one, leaves the variables, or fails on each message. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from jinja2 import TemplateSyntaxError, nodes

from postrail.rendering.engine import environment_for
from postrail.rendering.events import AS_THEY_ARE, VARIABLES

_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.Const,
    nodes.Filter,
    nodes.Keyword,
    nodes.If,
    nodes.CondExpr,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Compare,
    nodes.Operand,
    # Around what is refused itself.
    nodes.Scope,
)
# As authors write them, where the node is named in another way.
_WRITTEN = {
    "Assign": "set",
    "AssignBlock": "set",
    "Call": "call",
    "CallBlock": "call",
    "Concat": "~",
    "FilterBlock": "filter",
    "FromImport": "from",
    "Getitem": "[…]",
    "ScopedEvalContextModifier": "autoescape",
}
_GROUPS = {name.partition(".")[0] for name in VARIABLES if "." in name}
_DEPTH_MAX = 50


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """A fault of a template, with its line."""

    line: int
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}"


_TOO_DEEP = "is nested too deeply"


def faults_of(source: str, *, html: bool = False, subject: bool = False) -> list[TemplateFault]:
    """Returns the faults of a template, each with its line; none for one that can be rendered."""
    environment = environment_for(html=html)
    try:
        tree = environment.parse(source)
        found = {*_faults(tree, 0), *(_not_as_it_is(tree) if subject else ())}
        if found:
            return sorted(found, key=lambda fault: (fault.line, fault.problem))
        # Unknown filters are found by compiling only.
        environment.compile(source)
    except TemplateSyntaxError as error:
        return [TemplateFault(error.lineno, error.message or "cannot be read")]
    except (RecursionError, MemoryError, SyntaxError):
        # Of the parser of templates, or of Python, which compiles what it makes.
        return [TemplateFault(1, _TOO_DEEP)]
    return []


def puts_out(source: str, name: str, *, first: bool) -> bool:
    """Tells whether the template, which has no fault, always has the variable as it is.

    With `first` only spaces may stand before it.
    """
    for part in environment_for(html=False).parse(source).body:
        for node in part.nodes if isinstance(part, nodes.Output) else [part]:
            if isinstance(node, nodes.Name) and node.name == name:
                return True
            if first and not (isinstance(node, nodes.TemplateData) and not node.data.strip()):
                return False
    return False


def names_any(source: str, names: Collection[str]) -> bool:
    """Tells whether the template, which has no fault, has one of these variables."""
    tree = environment_for(html=False).parse(source)
    return any(found.name in names for found in tree.find_all(nodes.Name))


def _faults(node: nodes.Node, depth: int) -> Iterator[TemplateFault]:
    if not isinstance(node, _ALLOWED):
        kind = type(node).__name__
        word = getattr(node, "operator", "") or _WRITTEN.get(kind, kind.lower())
        allowed = "it has variables, filters and if"
        yield TemplateFault(node.lineno, f"a template has no {word}: {allowed}")
    elif depth > _DEPTH_MAX:
        yield TemplateFault(node.lineno, _TOO_DEEP)
    elif isinstance(node, nodes.Getattr):
        yield from _faults_of_part(node)
    elif isinstance(node, nodes.Name):
        yield from _faults_of_name(node)
    else:
        if isinstance(node, (nodes.Filter, nodes.Compare)):
            yield from _not_as_it_is(node)
        for child in node.iter_child_nodes():
            yield from _faults(child, depth + 1)


def _faults_of_part(node: nodes.Getattr) -> Iterator[TemplateFault]:
    if not isinstance(node.node, nodes.Name):
        yield TemplateFault(node.lineno, f"{node.attr!r} is no part of a variable")
    elif (name := f"{node.node.name}.{node.attr}") not in VARIABLES:
        yield TemplateFault(node.lineno, _unknown(name))


def _faults_of_name(node: nodes.Name) -> Iterator[TemplateFault]:
    if node.name in _GROUPS:
        parts = ", ".join(name for name in VARIABLES if name.startswith(f"{node.name}."))
        yield TemplateFault(node.lineno, f"{node.name!r} is no text; its parts are: {parts}")
    elif node.name not in VARIABLES:
        yield TemplateFault(node.lineno, _unknown(node.name))


def _not_as_it_is(tree: nodes.Node) -> Iterator[TemplateFault]:
    """Yields a fault for each variable that only stands as it is in a text."""
    for found in tree.find_all(nodes.Name):
        if why := AS_THEY_ARE.get(found.name):
            yield TemplateFault(
                found.lineno, f"{found.name!r} {why}: no filter, comparison or subject has it"
            )


def _unknown(name: str) -> str:
    return f"{name!r} is not known; known are: {', '.join(VARIABLES)}"
