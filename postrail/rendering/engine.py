"""Compiles, checks and renders templates; a sandbox keeps them from all but their variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from postrail.rendering.events import VARIABLES

# A longer text is no message any more.
OUTPUT_MAX_CHARACTERS = 1_000_000


class Unrendered(Exception):
    """A template failed while it was rendered, with the reason."""


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """A fault of a template, with its line."""

    line: int
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}"


def _environment(*, autoescape: bool) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        autoescape=autoescape, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    # Nothing that makes a long text of a short one, or that has no use in a message.
    for name in ("range", "lipsum", "cycler", "joiner"):
        made.globals.pop(name, None)
    for name in ("center", "indent", "format", "pprint", "tojson", "xmlattr", "safe"):
        made.filters.pop(name, None)
    return made


_TEXT = _environment(autoescape=False)
_HTML = _environment(autoescape=True)


@lru_cache(maxsize=512)
def _compiled(source: str, html: bool) -> Template:
    return (_HTML if html else _TEXT).from_string(source)


def render(source: str, variables: Mapping[str, Any], *, html: bool = False) -> str:
    """Returns the rendered text; raises Unrendered when the template fails."""
    try:
        pieces, length = [], 0
        for piece in _compiled(source, html).generate(variables):
            pieces.append(piece)
            length += len(piece)
            if length > OUTPUT_MAX_CHARACTERS:
                raise Unrendered(f"it makes more than {OUTPUT_MAX_CHARACTERS:,} characters")
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise Unrendered(f"{type(error).__name__}: {error}") from error
    return "".join(pieces)


def faults_of(source: str, *, html: bool = False) -> list[TemplateFault]:
    """Returns the faults of a template, each with its line; none for one that can be rendered."""
    environment = _HTML if html else _TEXT
    try:
        tree = environment.parse(source)
        if found := sorted(set(_faults(tree)), key=lambda fault: (fault.line, fault.problem)):
            return found
        # Unknown filters and tests are found by compiling only, which also computes constants.
        environment.compile(source)
    except TemplateSyntaxError as error:
        return [TemplateFault(error.lineno, error.message or "cannot be read")]
    return []


_GROUPS = {name.partition(".")[0] for name in VARIABLES if "." in name}


def _faults(tree: nodes.Template) -> Iterator[TemplateFault]:
    own = {one.name for one in tree.find_all(nodes.Name) if one.ctx != "load"}
    for loop in tree.find_all((nodes.For, nodes.Macro, nodes.Import, nodes.Include)):
        word = type(loop).__name__.lower()
        yield TemplateFault(loop.lineno, f"a template has no {word}: it is one text")
    for product in tree.find_all((nodes.Mul, nodes.Pow)):
        yield TemplateFault(product.lineno, "a template does not multiply")
    whole = set()
    for part in tree.find_all(nodes.Getattr):
        if isinstance(part.node, nodes.Name) and part.node.name in _GROUPS:
            whole.add(id(part.node))
            name = f"{part.node.name}.{part.attr}"
            if name not in VARIABLES:
                yield TemplateFault(part.lineno, _unknown(name))
    for found in tree.find_all(nodes.Name):
        if found.ctx != "load" or found.name in own or id(found) in whole:
            continue
        if found.name in _GROUPS:
            parts = [name for name in VARIABLES if name.startswith(f"{found.name}.")]
            yield TemplateFault(
                found.lineno, f"{found.name!r} is no text; its parts are: {', '.join(parts)}"
            )
        elif found.name not in VARIABLES:
            yield TemplateFault(found.lineno, _unknown(found.name))


def _unknown(name: str) -> str:
    return f"{name!r} is not known; known are: {', '.join(VARIABLES)}"
