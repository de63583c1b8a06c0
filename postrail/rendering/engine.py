"""Compiles and renders templates; a sandbox keeps them from all but their variables."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

# A longer text is no message any more.
OUTPUT_MAX_CHARACTERS = 1_000_000
# None makes a text without bounds of a short one.
FILTERS = (
    "capitalize",
    "default",
    "e",
    "escape",
    "first",
    "last",
    "length",
    "lower",
    "striptags",
    "title",
    "trim",
    "truncate",
    "upper",
)


class Unrendered(Exception):
    """A template failed while it was rendered, with the reason."""


def _environment(*, autoescape: bool) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        autoescape=autoescape, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in FILTERS}
    return made


_TEXT = _environment(autoescape=False)
_HTML = _environment(autoescape=True)


def environment_for(*, html: bool) -> ImmutableSandboxedEnvironment:
    """Returns what templates are compiled by; in HTML each value is escaped."""
    return _HTML if html else _TEXT


@lru_cache(maxsize=512)
def _compiled(source: str, html: bool) -> Template:
    return environment_for(html=html).from_string(source)


def render(source: str, variables: Mapping[str, Any], *, html: bool = False) -> str:
    """Returns the rendered text; raises Unrendered when the template fails, in whatever way."""
    pieces, length = [], 0
    try:
        for piece in _compiled(source, html).generate(variables):
            pieces.append(piece)
            length += len(piece)
            if length > OUTPUT_MAX_CHARACTERS:
                break
    # Filters, and what compiles the template, raise errors of any kind.
    except Exception as error:
        raise Unrendered(f"{type(error).__name__}: {error}") from error
    if length > OUTPUT_MAX_CHARACTERS:
        raise Unrendered(f"it makes more than {OUTPUT_MAX_CHARACTERS:,} characters")
    return "".join(pieces)
