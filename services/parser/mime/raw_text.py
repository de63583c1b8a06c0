"""Raw text in headers, without encoded words: a tree of parts in, their fields decoded out.

A raw field is in UTF-8 (RFC 6532), or in a charset that nothing declares: the fields of a message
together, and the charset of its body, tell more than one short field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.parser.mime.headers import ENCODED_WORD, VALUE_MAX
from services.parser.text.charset_detection import detect_in_header, is_western
from services.parser.text.decode import decode
from services.parser.text.utf8 import is_utf8

if TYPE_CHECKING:
    from services.parser.mime.structure import Part

# More text than this tells no more about its charset.
SAMPLE_MAX = 2 * 1024
# The escape sequences of ISO-2022-JP.
ESCAPE = "\x1b$"


def decode_raw_fields(roots: Sequence[Part]) -> None:
    """Decodes the raw text in the fields of parts and of those within them."""
    parts = [part for root in roots for part in root.tree()]
    values = [value for part in parts for _, value in part.fields if _is_raw(value)]
    if not values:
        return
    raw = [_bytes(piece) for value in values for piece in _pieces(value) if _is_raw(piece)]
    sample = b"\n".join(one for one in raw if not is_utf8(one))[:SAMPLE_MAX]
    charset = detect_in_header(sample, _declared_charset(parts)) if sample else None
    for part in parts:
        if any(_is_raw(value) for _, value in part.fields):
            part.decode_fields(lambda value: _decoded(value, charset))


def _is_raw(value: str) -> bool:
    return not value.isascii() or ESCAPE in value


def _pieces(value: str) -> list[str]:
    """Splits a value into encoded words and what stands between them.

    An encoded word names its own charset, even if it contains 8-bit characters.
    """
    if "=?" not in value or len(value) > VALUE_MAX:
        return [value]
    pieces, end = [], 0
    for word in ENCODED_WORD.finditer(value):
        pieces += [value[end : word.start()], word.group()]
        end = word.end()
    return [*pieces, value[end:]]


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def _declared_charset(parts: Sequence[Part]) -> str | None:
    """Returns the first charset of a body or an encoded word that may be that of raw text."""
    fields = " ".join(value[:VALUE_MAX] for _, value in parts[0].fields if "=?" in value)
    given = [part.content_type.parameters.get("charset", "") for part in parts]
    given += [word.group(1) for word in ENCODED_WORD.finditer(fields[:VALUE_MAX])]
    known = [one for one in given if one and one.lower() not in ("utf-8", "us-ascii")]
    return next((one for one in known if not is_western(one)), known[0] if known else None)


def _decoded(value: str, charset: str | None) -> str:
    return "".join(
        _decoded_piece(piece, charset)
        if _is_raw(piece) and not ENCODED_WORD.fullmatch(piece)
        else piece
        for piece in _pieces(value)
    )


def _decoded_piece(piece: str, charset: str | None) -> str:
    data = _bytes(piece)
    return data.decode() if is_utf8(data) and ESCAPE not in piece else decode(data, charset)
