"""text/enriched (RFC 1896) and text/richtext (RFC 1341): text with commands in, plain text out."""

from __future__ import annotations

import re

ENRICHED_TYPES = frozenset({"text/enriched", "text/richtext"})
PARAMETER = re.compile(r"<param>[^<]*+</param>", re.IGNORECASE)
# The beginning of an angle bracket that is text, or a command.
COMMAND = re.compile(r"<<|<(/?[A-Za-z0-9-]{1,60})>")
LINE_ENDS = re.compile(r"\n(\n*)")
TEXTS = {"lt": "<", "nl": "\n", "np": "\n\n", "/paragraph": "\n\n"}


def enriched_to_text(source: str) -> str:
    """Removes the commands; a single line end is a space, of several one is left out."""
    if "<nofill>" not in source.lower():
        source = LINE_ENDS.sub(lambda found: found.group(1) or " ", source.strip("\n"))
    return COMMAND.sub(_text_of, PARAMETER.sub("", source))


def _text_of(command: re.Match[str]) -> str:
    return TEXTS.get(command.group(1).lower(), "") if command.group(1) else "<"
