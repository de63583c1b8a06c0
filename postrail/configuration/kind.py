"""The descriptor of a configured kind: what the store, apply, YAML and sealing know about it.

A new kind is one file in models/ with its model and its `Kind`, a migration, and a line in
kinds.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from postrail.configuration.configured import Configured
from postrail.configuration.entry import Entry, Existing, Fault, Proposal, Thing


@dataclass(frozen=True, kw_only=True)
class ItemTable:
    """A table that keeps the items of a list field, one row for each, in the order of the list."""

    table: str
    # The column with the identity of the thing.
    owner: str
    # The columns by the item's fields, the one that identifies an item first; an item that is a
    # text has the one field "".
    columns: Mapping[str, str]
    # Columns that have the same value for all items of the field.
    fixed: Mapping[str, str] = field(default_factory=dict)
    # The column with the place of an item in the list.
    place: str = "place"


@dataclass(frozen=True, kw_only=True, eq=False)
class Kind(Generic[Thing]):
    """One kind of thing that operators configure."""

    model: type[Thing]
    # The word for it in messages and in `configuration_change`, such as account.
    word: str
    # The word for it where others could be meant, such as mail account.
    long_word: str = ""
    # The field that identifies a thing of this kind.
    identity: str = "name"

    # In postrail.yaml: the section that lists them, and the comment above it in an export.
    section: str
    title: str
    # The names that fields had in files of earlier releases, each with its name now.
    former_fields: Mapping[str, str] = field(default_factory=dict)
    # By those names: returns the value that the field has now.
    former_values: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    # Returns the values of a recorded change as this release would have recorded them.
    of_earlier_release: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None

    # Fields that a part of another field of the file may set: the name of that field, and of the
    # part. Their faults are at its line, and name both.
    set_by: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    # In the database: the table, and the fields whose columns have other names.
    table: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    # Text fields that are NULL in the table when they are blank.
    nullable: frozenset[str] = frozenset()
    # Fields with nested values, which are kept as JSON; empty ones are left out of an export.
    json: frozenset[str] = frozenset()
    # List fields that are kept in tables of their own.
    items: Mapping[str, ItemTable] = field(default_factory=dict)
    # In the place of `table`, where another package owns it: read returns the values of each thing,
    # write saves one. Their argument is a database connection; typed as Any, because models must
    # not depend on the database.
    read: Callable[[Any], Awaitable[Sequence[Mapping[str, Any]]]] | None = None
    write: Callable[[Any, Thing], Awaitable[None]] | None = None

    # Fields that hold secrets: sealed in the database, hidden wherever values are shown.
    secrets: tuple[str, ...] = ()
    # Where a stored secret is sent: a change of one of these fields asks for the secret again.
    guarded: tuple[str, ...] = ()
    # Secrets that are sent nowhere, so that nothing guards them.
    kept_here: frozenset[str] = frozenset()
    # The problem when a secret is given that the other values do not use.
    unused: str = "is not used: leave it out"
    # The same for single secrets.
    unused_secrets: Mapping[str, str] = field(default_factory=dict)
    # Checks of the plain text of a secret; each returns problems that show none of it.
    secret_checks: Mapping[str, Callable[[str], list[str]]] = field(default_factory=dict)

    # Changes rows elsewhere that must not stand against what the thing takes away.
    before_write: Callable[[Any, Thing], Awaitable[None]] | None = None
    # Checks after the write what `before_write` has put off.
    after_write: Callable[[Any], Awaitable[None]] | None = None

    # Returns the new identity by the stored one, of things that the entries give another identity.
    renamed: Callable[[Sequence[Entry], Existing], Mapping[str, str]] | None = None
    # Checks that need other things too. They see the whole proposal and name lines of its entries.
    checks: tuple[Callable[[Proposal], Iterable[Fault]], ...] = ()
    # Returns (field, problem) of each change that other tables stand against; its arguments are a
    # database connection, and the thing before and after the change.
    in_use: Callable[[Any, Thing, Thing], Awaitable[Sequence[tuple[str, str]]]] | None = None
    # Whether every installation has all things of the kind from the start, so that a file need not
    # name them.
    always_there: bool = False
    # Fills in values that follow from other things; returns all entries of the proposal.
    fill_in: Callable[[Proposal], Sequence[Entry]] | None = None
    # Returns remarks for the operator about an entry, given the thing as it was before.
    notes: Callable[[Entry, Configured | None], list[str]] | None = None

    @property
    def full_word(self) -> str:
        """Returns the word for a thing of this kind, such as mail account."""
        return self.long_word or self.word

    def identity_of(self, thing: Configured) -> str:
        """Returns the name, key or address of the thing."""
        return str(getattr(thing, self.identity))

    def column(self, name: str) -> str:
        """Returns the column that keeps the field."""
        return self.columns.get(name, name)
