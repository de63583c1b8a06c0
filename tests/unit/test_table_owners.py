"""Each table belongs to one package, and no other package names it in SQL; views may read all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.contracts.table_owners import (
    Source,
    mentions,
    owner_of,
    owners,
    sources,
    tables_of,
    unreadable,
    violations,
    writing,
)

ROOT = Path(__file__).parents[2]
# These may read all tables, and write none; the second writes the conditions of lists in SQL.
READS_ALL = ("postrail/views/", "postrail/query/sql.py")
READ = sources(ROOT, "postrail", "services")
MIGRATIONS = sorted((ROOT / "postrail" / "sql" / "migrations").glob("*.sql"))
# The migrations' own record, which is there before the first of them.
TABLES = tables_of([path.read_text() for path in MIGRATIONS]) | {"schema_migration"}


def test_every_table_has_one_owner() -> None:
    owned = owners(READ)
    listed = {table: owned.get(table, []) for table in sorted(TABLES)}
    wrong = [
        f"{table}: {files or 'no owner'}" for table, files in listed.items() if len(files) != 1
    ]
    assert not wrong, "\n" + "\n".join(wrong)
    assert sorted(set(owned) - TABLES) == [], "a docstring lists tables that do not exist"


def test_no_package_names_a_table_of_another() -> None:
    found = violations(mentions(READ, TABLES), owners(READ), READS_ALL)
    assert not found, "\n" + "\n".join(found)


def test_every_statement_says_which_table_it_means() -> None:
    found = unreadable(READ)
    assert not found, "\n" + "\n".join(found)


def test_what_reads_all_writes_nothing() -> None:
    found = writing([source for source in READ if source.file.startswith(READS_ALL)])
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("code", "tables"),
    [
        ('rows("SELECT 1 FROM issue")', {"issue"}),
        ('rows("SELECT 1 FROM issue AS i, comment c WHERE x")', {"issue", "comment"}),
        (
            'rows("SELECT 1 FROM incoming_mail JOIN delivery USING (mail_id)")',
            {"incoming_mail", "delivery"},
        ),
        ('rows("INSERT INTO outbox (topic) SELECT 1")', {"outbox"}),
        ('rows("UPDATE issue SET a = 1 FROM ONLY comment")', {"issue", "comment"}),
        ('rows("DELETE FROM outbox USING comment WHERE a")', {"outbox", "comment"}),
        ('rows("LOCK TABLE project IN SHARE MODE")', {"project"}),
        # FOR UPDATE and DO UPDATE name no table.
        ('rows("SELECT 1 FROM outbox FOR UPDATE SKIP LOCKED")', {"outbox"}),
        ('rows("INSERT INTO outbox VALUES (1) ON CONFLICT DO UPDATE SET issue = 1")', {"outbox"}),
        ("""rows("SELECT nextval('arrival_number')")""", {"arrival_number"}),
        # Statements in small letters, of bytes, and put together.
        ('rows("select 1 from issue")', {"issue"}),
        ('rows(b"SELECT 1 FROM issue")', {"issue"}),
        ('rows("SELECT 1 " + where + " FROM issue")', {"issue"}),
        ('rows("SELECT 1"\n     " FROM"\n     " issue")', {"issue"}),
        ('rows(f"SELECT {columns} FROM issue")', {"issue"}),
        ('rows("SELECT 1 FROM " + "issue")', {"issue"}),
        ("""rows(f"UPDATE issue SET {column} = 1".encode())""", {"issue"}),
        # Names that are given to a function which puts the statement together.
        ('def add(table): rows(f"INSERT INTO {table} (a)")\nadd("watcher")', {"watcher"}),
        ('def add(c, kind): rows("SELECT 1 FROM " + kind)\nadd(c, kind="watcher")', {"watcher"}),
        ('def add(of): SQL("SELECT FROM {of}").format(of=of)\nadd("watcher")', {"watcher"}),
        ('def add(self, of): rows(f"SELECT FROM {of}")\nself.add("watcher")', {"watcher"}),
        ('SQL("{a} FROM x").format(a=SQL("SELECT 1 FROM issue"))', {"issue"}),
        ('TABLES = {Person: "person"}', {"person"}),
        ('Kind(word="issue", table="person")', {"person"}),
        # Words that are no SQL.
        ('"a comment from issue"', set()),
        ('Decision(outcome="issue")', set()),
        ('def f():\n    """Reads FROM issue."""', set()),
    ],
)
def test_tables_are_found_in_sources(code: str, tables: set[str]) -> None:
    read = [Source("a.py", ast.parse(code))]
    assert {mention.table for mention in mentions(read, TABLES)} == tables


@pytest.mark.parametrize(
    ("code", "readable"),
    [
        ('def add(kind): rows(f"SELECT 1 FROM {kind}")', True),
        ('rows(f"SELECT 1 FROM {TABLES[kind]}")', True),
        ('def add(): rows(f"SELECT 1 FROM {kind.table}")', True),
        ('def add(): rows(f"SELECT 1 FROM {kind}")', False),
        ('rows("SELECT 1 FROM " + kind)', False),
        ('SQL("SELECT 1 FROM {}").format(kind)', False),
        # psycopg's composed statements.
        ('SQL("SELECT 1 FROM {}").format(Identifier(kind.table))', True),
        ('sql.SQL("{b} FROM {a}").format(a=sql.Identifier(kind.table), b=c)', True),
        ('sql.SQL("SELECT {} FROM {}").format(kind.table, word)', False),
        ('sql.SQL("SELECT FROM {table}").format(table=word)', False),
    ],
)
def test_a_table_that_is_put_in_comes_from_a_readable_place(code: str, readable: bool) -> None:
    assert (unreadable([Source("a.py", ast.parse(code))]) == []) == readable


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO issue SELECT 1",
        "UPDATE issue SET a = 1",
        "DELETE FROM issue",
        "TRUNCATE issue",
        "SELECT 1 FROM issue FOR UPDATE",
        "SELECT 1 FROM issue FOR NO KEY UPDATE SKIP LOCKED",
        "LOCK TABLE issue",
        "SELECT nextval('arrival_number')",
        "insert into issue values (1)",
    ],
)
def test_writing_statements_are_found(statement: str) -> None:
    assert writing([Source("a.py", ast.parse(f"rows({statement!r})"))])
    assert not writing([Source("a.py", ast.parse('rows("SELECT updated FROM issue")'))])


def test_a_package_speaks_for_its_modules_unless_a_nearer_one_owns_tables() -> None:
    owning = {"a/__init__.py", "a/b/__init__.py", "a/c.py"}
    assert owner_of("a/x.py", owning) == "a/__init__.py"
    assert owner_of("a/b/y/x.py", owning) == "a/b/__init__.py"
    assert owner_of("a/c.py", owning) == "a/c.py"
    assert owner_of("d/x.py", owning) is None


def test_a_violation_names_file_table_and_owner() -> None:
    read = [
        Source("a/__init__.py", ast.parse('"""A.\n\nOwns the tables: issue,\nand comment.\n"""')),
        Source("b/x.py", ast.parse('\nrows("SELECT 1 FROM issue, outbox")')),
        Source("postrail/views/x.py", ast.parse('rows("SELECT 1 FROM issue")')),
    ]
    assert owners(read) == {"issue": ["a/__init__.py"], "comment": ["a/__init__.py"]}
    assert violations(mentions(read, TABLES), owners(read), READS_ALL) == [
        "b/x.py:2 names issue, which belongs to a",
        "b/x.py:2 names outbox, which belongs to no package",
    ]


def test_tables_come_and_go_with_migrations() -> None:
    assert tables_of(
        [
            "CREATE TABLE a (b int); CREATE TABLE IF NOT EXISTS c (d int); CREATE SEQUENCE e;",
            "DROP TABLE a; ALTER TABLE c RENAME TO f; ALTER TABLE f RENAME COLUMN d TO g;",
        ]
    ) == {"e", "f"}
