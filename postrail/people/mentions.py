"""Finds the people whom a text mentions as @name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import LiteralString

from postrail.database import Connection, rows

# @ada, @ada.lovelace or @ada@example.org, and no part of an address; a full stop may follow.
MENTION = re.compile(r"(?<![\w.+@-])@(\w(?:[\w.+-]*\w)?(?:@\w(?:[\w.-]*\w)?)?)")
# Further ones are left out: the text of a stranger may have thousands.
MENTIONS_MAX = 50

# `called` is the first and last name with a full stop in between, in lower case.
_MEANT: LiteralString = """
SELECT given, array_agg(DISTINCT person.address ORDER BY person.address)
FROM (
    SELECT address AS given, person_id FROM person_address WHERE address = ANY(%(names)s)
    UNION ALL
    SELECT split_part(address, '@', 1), person_id FROM person_address
    WHERE split_part(address, '@', 1) = ANY(%(names)s)
    UNION ALL
    SELECT called, person_id FROM person WHERE called = ANY(%(names)s)
) AS meant JOIN person USING (person_id)
WHERE person.active GROUP BY given"""


def names_in(text: str) -> tuple[str, ...]:
    """Returns the mentioned names, each once and in lower case, without those in quoted lines."""
    lines = (line for line in text.splitlines() if "@" in line and not line.startswith(">"))
    found = (name.lower() for line in lines for name in MENTION.findall(line))
    return tuple(list(dict.fromkeys(found))[:MENTIONS_MAX])


async def called(connection: Connection, names: Sequence[str]) -> dict[str, list[str]]:
    """Returns the addresses, which mail goes to, of the active persons whom each name may mean.

    A name with an @ is one of the person's addresses; any other is the local part of one, or the
    person's first and last name with a full stop in between.
    """
    if not names:
        return {}
    found = await rows(connection, _MEANT, {"names": list(names)})
    return {name: list(addresses) for name, addresses in found}
