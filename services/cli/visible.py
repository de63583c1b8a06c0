"""Makes the characters of strangers' texts visible that would act on a terminal or hide in a line.

These are control characters, marks that change the direction of the text, and characters without
width, by which one address looks like another.
"""

from __future__ import annotations

import json
import re

# The categories Cc, Cf, Cs, Zl and Zp of Unicode, except tabs, line ends and the marks that Arabic
# and other scripts show around numbers; and characters of other categories that have no width.
HIDDEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff"
)
# Emoji and the scripts that write two letters joined or apart need the joiners between them.
JOINERS = r"\u200c\u200d"
JOINED = r"\u0600-\u1cff\u2190-\u2bff\ufb50-\ufdff\ufe0e\ufe0f\ufe70-\ufefc\U0001f000-\U0001faff"
# Selectors choose the form of an emoji or a Han character; a keycap is one with a digit.
SELECTORS = r"\ufe00-\ufe0f\U000e0100-\U000e01ef"
ACTS = re.compile(
    rf"[{HIDDEN}]"
    rf"|(?<![{JOINED}])[{JOINERS}]|[{JOINERS}](?![{JOINED}])"
    rf"|(?<=[\x00-\x7f{SELECTORS}])[{SELECTORS}](?!\u20e3)|^[{SELECTORS}]"
)
REPLACEMENT = "\ufffd"
# Newsletters fill lines with these, and word processors mark with them where a word may be broken.
# Joiners that join nothing are such fillers, too.
FILLERS = re.compile(
    r"[\xad\u034f\u200b\ufeff]"
    rf"|(?<![{JOINED}])[{JOINERS}]|[{JOINERS}](?![{JOINED}])"
)


def clean(text: str) -> str:
    """Replaces the characters that act or hide, except line ends and tabs."""
    return ACTS.sub(REPLACEMENT, text)


def readable(text: str) -> str:
    """Leaves the fillers out of a body, and replaces what else acts or hides.

    Names, addresses and subjects are cleaned only: there a filler makes one look like another.
    """
    return clean(FILLERS.sub("", text))


def escaped(text: str) -> str:
    """Writes the characters of a JSON text that act or hide as \\u escapes, which keep them."""
    return ACTS.sub(lambda found: json.dumps(found[0])[1:-1], text)
