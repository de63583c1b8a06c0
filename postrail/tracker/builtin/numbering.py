"""Gives each project's issues consecutive numbers, from 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count

import psycopg

from postrail.database import Connection, rows
from postrail.errors import PermanentError


async def take_numbers(connection: Connection, projects: Sequence[str]) -> list[int]:
    """Takes the next number for each of the projects; raises PermanentError for an unknown one.

    The projects' rows are locked until the caller's transaction ends.
    """
    wanted = Counter(projects)
    try:
        found = await rows(
            connection,
            # Rows are locked in the order of their keys, so that two handlers never deadlock.
            "INSERT INTO issue_numbering (project_key, next_number)"
            " SELECT key, 1 + taken FROM unnest(%b::text[], %s::bigint[]) AS wanted(key, taken)"
            " ORDER BY key ON CONFLICT (project_key) DO UPDATE"
            " SET next_number = issue_numbering.next_number + EXCLUDED.next_number - 1"
            " RETURNING project_key, next_number",
            [list(wanted), list(wanted.values())],
        )
    except psycopg.errors.ForeignKeyViolation as error:
        raise PermanentError(
            f"there is no project {' or '.join(sorted(wanted))}",
            remedy="Add it to postrail.yaml and run: postrail apply",
        ) from error
    return numbers_in_order(projects, dict(found))


def numbers_in_order(projects: Sequence[str], next_numbers: Mapping[str, int]) -> list[int]:
    """Returns each project's numbers in the order of the list, up to the next one to be given."""
    wanted = Counter(projects)
    counters = {key: count(next_numbers[key] - taken) for key, taken in wanted.items()}
    return [next(counters[project]) for project in projects]
