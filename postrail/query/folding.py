"""Makes letters small in one way in Python and in PostgreSQL, whatever the database's locale.

The function `folded` of the database does the same; a migration has these letters, too. The two
would differ if each used its own tables of Unicode.
"""

from __future__ import annotations

import string

# Latin, Greek, Cyrillic and Armenian capital letters; other scripts have only one case.
_CODES = (
    *range(0x00C0, 0x0180),
    *range(0x01A0, 0x01B0),
    *range(0x0218, 0x021C),
    *range(0x0386, 0x03AC),
    *range(0x0400, 0x0530),
    *range(0x0531, 0x0557),
    *range(0x1E00, 0x1F00),
)
# Those whose small letter is one character.
_CAPITALS = {
    chr(code): small
    for code in _CODES
    if len(small := chr(code).lower()) == 1 and small != chr(code)
}
# Of one length: the small letter of each capital letter has its place.
CAPITAL_LETTERS = "".join(_CAPITALS)
SMALL_LETTERS = "".join(_CAPITALS.values())
_TABLE = str.maketrans(
    string.ascii_uppercase + CAPITAL_LETTERS, string.ascii_lowercase + SMALL_LETTERS
)


def small_letters(text: str) -> str:
    """Returns the text with small letters; it keeps its length."""
    return text.translate(_TABLE)
