"""Finds the people whom a text mentions as @name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from postrail.database import Connection, rows

# @ada, @ada.lovelace or @ada@example.org, and no part of an address; a full stop may follow.
MENTION = re.compile(r"(?<![\w.+@-])@(\w(?:[\w.+-]*\w)?(?:@\w(?:[\w.-]*\w)?)?)")
# Further ones are left out: the text of a stranger may have thousands.
MENTIONS_MAX = 50


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
    found = await rows(
        connection,
        "SELECT given, array_agg(DISTINCT person.address ORDER BY person.address)"
        " FROM unnest(%b::text[]) AS name(given) JOIN person ON active AND ("
        "  EXISTS (SELECT 1 FROM person_address AS own WHERE own.person_id = person.person_id"
        "   AND (own.address = given OR split_part(own.address, '@', 1) = given))"
        r"  OR regexp_replace(lower(btrim(name)), '^(\S+)\s(.*\s)?(\S+)$', '\1.\3') = given)"
        " GROUP BY given",
        [list(names)],
    )
    return {name: list(addresses) for name, addresses in found}
