"""Authentication-Results (RFC 8601): a header in, the servers' verdicts on the sender out.

Only the results of one's own server can be trusted; the reader must compare the server's name.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from postrail.message_parts import AuthenticationResult
from services.parser.mime.headers import Header
from services.parser.text.decode import cut

FIELDS_MAX = 20
RESULTS_MAX = 100
FIELD_MAX = 8 * 1024
TEXT_MAX_BYTES = 300
# Strings and comments may contain text by the sender that looks like results, so they are split.
PIECE = re.compile(r'"(?:[^"\\]|\\.)*"?|\\.|[();]|[^"();\\]+', re.DOTALL)
METHOD = re.compile(r"\s*([\w-]+)(?:/\d+)?\s*=\s*([\w-]+)")
# The search never goes back, and begins no name within another: else a long one takes the square of
# its length.
PROPERTY = re.compile(
    r'(?<![\w.-])([\w.-]++)\s*+=\s*+((?:"(?:[^"\\]++|\\.)*+"?|[^\s;"])++)', re.DOTALL
)
PROPERTY_KINDS = ("smtp.", "header.", "body.", "policy.")


def read_authentication(header: Header) -> list[AuthenticationResult]:
    """Returns an entry for each method of each field, in the header's order: newest first."""
    found = (
        (position, field)
        for position, field in enumerate(header.fields)
        if field.name.lower() == "authentication-results"
    )
    fields = list(itertools.islice(found, FIELDS_MAX))
    return [one for place, field in fields for one in _results(field.value[:FIELD_MAX], place)][
        :RESULTS_MAX
    ]


def _results(value: str, position: int) -> Iterator[AuthenticationResult]:
    server, *rest = _parts(value)
    if METHOD.match(server):
        # Microsoft 365 writes no name of the server.
        server, rest = "", [server, *rest]
    words = server.split()
    for part in rest:
        if found := METHOD.match(part):
            given = PROPERTY.findall(part, found.end())
            yield AuthenticationResult(
                server=cut(words[0].lower(), TEXT_MAX_BYTES) if words else "",
                method=found.group(1).lower(),
                result=found.group(2).lower(),
                properties=[
                    cut(f"{name}={_unquoted(text)}", TEXT_MAX_BYTES)
                    for name, text in given
                    if name.startswith(PROPERTY_KINDS)
                ][:10],
                position=position,
            )


def _unquoted(text: str) -> str:
    return text[1:-1] if text.count('"') == 2 and text[0] == text[-1] == '"' else text


def _parts(value: str) -> list[str]:
    """Splits a value at its semicolons, without comments (they nest: RFC 5322, 3.2.2)."""
    parts = [""]
    depth = 0
    for piece in PIECE.findall(value):
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth = max(0, depth - 1)
        elif depth == 0 and piece == ";":
            parts.append("")
        elif depth == 0:
            parts[-1] += piece
    return parts
