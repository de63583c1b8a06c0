"""Makes names that files may have on every system from the names that senders gave them. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import count

from postrail.message_parts import plain_file_name

NAME_MAX_BYTES = 200
EXTENSION_MAX_BYTES = 20
NAMELESS = "attachment"
# Names of devices on Windows, whatever extension they have.
DEVICES = re.compile(r"(?:CON|PRN|AUX|NUL|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])\s*(?:\.|$)", re.I)


def safe_name(given: str) -> str:
    """Returns the name without folders and characters that act, hide or are refused somewhere.

    It is never empty, begins with no dot or hyphen, and is no device of Windows.
    """
    last = plain_file_name(given)
    plain = "".join("_" if unicodedata.category(one)[0] == "C" else one for one in last)
    plain = re.sub(r"\s", " ", plain).strip(" .")
    if plain.startswith("-") or DEVICES.match(plain):
        plain = f"_{plain}"
    stem, extension = _parts(plain)
    return _cut(stem, NAME_MAX_BYTES - len(extension.encode())) + extension or NAMELESS


def numbered(name: str) -> Iterator[str]:
    """Yields the name, and then others for a folder that has it: "plan (2).pdf", …"""
    yield name
    stem, extension = _parts(name)
    for number in count(2):
        yield f"{stem} ({number}){extension}"


def _parts(name: str) -> tuple[str, str]:
    """Returns the name up to its extension, and the extension with its dot."""
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > EXTENSION_MAX_BYTES:
        return name, ""
    return stem, dot + extension


def _cut(text: str, max_bytes: int) -> str:
    return text.encode()[:max_bytes].decode(errors="ignore").rstrip(" .")
