"""Migrations hold up no service: each waits for locks for a limited time, and builds beside it."""

from __future__ import annotations

import re

import pytest

from postrail.database import OUTSIDE_OF_A_TRANSACTION, _statements, migration_files

# Those of earlier releases cannot be changed.
FIRST = 29
NEW = [(name, text) for number, name, text in migration_files() if number >= FIRST]
IN_A_TRANSACTION = [one for one in NEW if not one[1].startswith(OUTSIDE_OF_A_TRANSACTION)]
OUTSIDE = [one for one in NEW if one[1].startswith(OUTSIDE_OF_A_TRANSACTION)]


@pytest.mark.parametrize(("name", "text"), IN_A_TRANSACTION)
def test_one_in_a_transaction_waits_for_locks_for_a_limited_time(name: str, text: str) -> None:
    statements = _statements(text)
    assert statements[0].strip() == "SET LOCAL lock_timeout = '10s'", name


@pytest.mark.parametrize(("name", "text"), IN_A_TRANSACTION)
def test_one_in_a_transaction_builds_indexes_of_its_own_tables_only(name: str, text: str) -> None:
    made = set(re.findall(r"CREATE TABLE (\w+)", text))
    assert set(re.findall(r"CREATE (?:UNIQUE )?INDEX \w+ ON (\w+)", text)) <= made, name


@pytest.mark.parametrize(("name", "text"), OUTSIDE)
def test_one_outside_of_a_transaction_only_builds_indexes(name: str, text: str) -> None:
    allowed = re.compile(r"\s*(CREATE (UNIQUE )?INDEX CONCURRENTLY|DROP INDEX CONCURRENTLY) ")
    assert [one for one in _statements(text) if not allowed.match(one)] == [], name
