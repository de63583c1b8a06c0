"""Authentication-Results (RFC 8601): what mail servers say they found out about the sender.

Only the field that a server of one's own wrote is worth anything; who reads this knows its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from postrail.records import AuthenticationResult
from services.parser.headers import Header
from services.parser.text import cut

FIELDS_MAX = 20
RESULTS_MAX = 100
FIELD_MAX = 8 * 1024
TEXT_MAX_BYTES = 300
COMMENT = re.compile(r"\([^()]*\)")
METHOD = re.compile(r"\s*([\w-]+)(?:/\d+)?\s*=\s*([\w-]+)")
PROPERTY = re.compile(r"\b(smtp|header|body|policy)\.([\w-]+)\s*=\s*(\"[^\"]*\"|[^\s;]+)")


def read_authentication(header: Header) -> list[AuthenticationResult]:
    """One entry for each method of each field, in the header's order: the topmost is newest."""
    fields = header.all("authentication-results")[:FIELDS_MAX]
    return [one for field in fields for one in _results(field.value[:FIELD_MAX])][:RESULTS_MAX]


def _results(value: str) -> Iterator[AuthenticationResult]:
    server, _, rest = COMMENT.sub(" ", value).partition(";")
    words = server.split()
    for part in rest.split(";"):
        if found := METHOD.match(part):
            properties = [
                f"{kind}.{name}={given.strip(chr(34))}"
                for kind, name, given in PROPERTY.findall(part)
            ]
            yield AuthenticationResult(
                server=cut(words[0].lower(), TEXT_MAX_BYTES) if words else "",
                method=found.group(1).lower(),
                result=found.group(2).lower(),
                properties=[cut(one, TEXT_MAX_BYTES) for one in properties[:10]],
            )
