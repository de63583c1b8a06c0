"""Raw text in headers, without encoded words: a tree of parts in, their fields decoded out.

A raw field is in UTF-8 (RFC 6532), or in a charset that nothing declares: the fields of a message
together, and the charset of its body, tell more than one short field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.parser.text.charset_detection import detect_in_header
from services.parser.text.decode import decode

if TYPE_CHECKING:
    from services.parser.mime.structure import Part

# More text than this tells no more about its charset.
SAMPLE_MAX = 2 * 1024
# The escape sequences of ISO-2022-JP.
ESCAPE = "\x1b$"


def decode_raw_fields(roots: Sequence[Part]) -> None:
    """Decodes the raw text in the fields of parts and of those within them."""
    every = [part for root in roots for part in root.tree()]
    parts = [part for part in every if any(_is_raw(value) for _, value in part.fields)]
    if not parts:
        return
    raw = [_bytes(value) for part in parts for _, value in part.fields if _is_raw(value)]
    sample = b"\n".join(one for one in raw if not _is_utf8(one))[:SAMPLE_MAX]
    charset = detect_in_header(sample, _declared_charset(every)) if sample else None
    for part in parts:
        part.decode_fields(lambda value: _decoded(value, charset))


def _is_raw(value: str) -> bool:
    # An encoded word names its own charset, even if it contains 8-bit characters.
    return "=?" not in value and (not value.isascii() or ESCAPE in value)


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _declared_charset(parts: Sequence[Part]) -> str | None:
    """Returns the first charset of a body, other than UTF-8, in which the header is not."""
    given = (part.content_type.parameters.get("charset", "") for part in parts)
    return next((one for one in given if one and one.lower() not in ("utf-8", "us-ascii")), None)


def _decoded(value: str, charset: str | None) -> str:
    if not _is_raw(value):
        return value
    data = _bytes(value)
    return data.decode() if _is_utf8(data) and ESCAPE not in value else decode(data, charset)
