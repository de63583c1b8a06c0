"""Classifies the errors of PostgreSQL by their SQLSTATE, and translates those that are no defect.

The kinds, from the codes of PostgreSQL's documentation (appendix "PostgreSQL Error Codes"):

    unavailable    no code (no connection), 08, 57, 57P…   the connection is lost or refused
    collision      40, 55P03, 0A000                        two transactions met; the next try passes
    installation   42, 25006, 28, 3D, 3F, 53, 55, 57P04,   a right, a table, space, memory or a
                   58, F0, XX                              connection lacks: a person must act
    limit          54, 57014, 25P03, 25P04, XX000          this statement exceeds a limit
    ours           all others (22, 23, …)                  a defect: the data or the statement

Class 42 as a whole is the installation's: a statement that does not fit the tables is never the
fault of one message. 0A000 comes from a prepared statement whose table was altered, XX000 from a
value that is too large for PostgreSQL's memory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

import psycopg
from psycopg_pool import PoolTimeout

from postrail.errors import InstallationFault, LimitExceeded, PipelineError, TransientError

Value = TypeVar("Value")

URL = "POSTRAIL_DATABASE__URL"
TIMEOUT = "POSTRAIL_DATABASE__STATEMENT_TIMEOUT_SECONDS"


class DatabaseUnavailable(TransientError):
    """PostgreSQL does not answer, or two transactions collided; nothing is wrong with the work."""


class Kind(StrEnum):
    """The meaning of an error for the work in flight."""

    UNAVAILABLE = "unavailable"
    COLLISION = "collision"
    INSTALLATION = "installation"
    LIMIT = "limit"
    OURS = "ours"


# By the whole code or by its first characters; the longest that fits counts.
KINDS = {
    "08": Kind.UNAVAILABLE,
    "57": Kind.UNAVAILABLE,
    "0A000": Kind.COLLISION,
    "40": Kind.COLLISION,
    "55P03": Kind.COLLISION,
    "25006": Kind.INSTALLATION,
    "28": Kind.INSTALLATION,
    "3D": Kind.INSTALLATION,
    "3F": Kind.INSTALLATION,
    "42": Kind.INSTALLATION,
    "53": Kind.INSTALLATION,
    "55": Kind.INSTALLATION,
    "57P04": Kind.INSTALLATION,
    "58": Kind.INSTALLATION,
    "F0": Kind.INSTALLATION,
    "XX": Kind.INSTALLATION,
    "XX000": Kind.LIMIT,
    "25P03": Kind.LIMIT,
    "25P04": Kind.LIMIT,
    "54": Kind.LIMIT,
    "57014": Kind.LIMIT,
}

# The setting and the remedy, by the code or its first characters.
REMEDIES = {
    "25006": (
        f"POSTRAIL_OBSERVER, {URL}",
        "An observer changes nothing: run this without POSTRAIL_OBSERVER. If that is not set, the"
        " URL leads to a standby server: name the primary server",
    ),
    "42": (URL, "The tables are not those of this release. Run: postrail doctor"),
    "42501": (URL, "Grant the user of this URL all rights on the tables and sequences"),
    "53": ("", "PostgreSQL lacks a resource: its log names it"),
    "53100": ("", "Free space on the disk of PostgreSQL"),
    "53200": ("", "Give PostgreSQL more memory, or lower its work_mem"),
    "53300": (
        "POSTRAIL_DATABASE__POOL_MAX_SIZE",
        "Lower it, or raise max_connections of PostgreSQL",
    ),
    "53400": ("", "Raise the limit that PostgreSQL names"),
    "54": ("", "This work is larger than PostgreSQL allows"),
    "XX000": ("", "This work may be larger than PostgreSQL allows: its log says more"),
    "57014": (TIMEOUT, "Raise it, if PostgreSQL is only slow"),
    "25P0": ("", "This work paused for too long within a transaction"),
}
INSTALLATION_REMEDY = ("", "The log of PostgreSQL says more")
UNAVAILABLE_REMEDY = (URL, "Check that PostgreSQL runs at that address and accepts this user")


def kind_of(error: psycopg.Error | PoolTimeout) -> Kind:
    """Returns the kind of an error."""
    if isinstance(error, PoolTimeout):
        return Kind.UNAVAILABLE
    code = error.sqlstate
    if code is not None:
        return _longest(KINDS, code) or Kind.OURS
    lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return Kind.UNAVAILABLE if lost else Kind.OURS


@contextlib.contextmanager
def database_faults() -> Iterator[None]:
    """Raises the TransientError that an error of PostgreSQL means, by its kind.

    DatabaseUnavailable for lost connections and collisions, InstallationFault, or LimitExceeded.
    Other errors (a violated constraint, wrong data) pass unchanged.
    """
    try:
        yield
    except (psycopg.Error, PoolTimeout) as error:
        fault = _translated(error)
        if fault is None:
            raise
        raise fault from error


def _translated(error: psycopg.Error | PoolTimeout) -> PipelineError | None:
    kind, code = kind_of(error), getattr(error, "sqlstate", None) or ""
    problem = f"PostgreSQL: {str(error).strip().splitlines()[0] if str(error) else repr(error)}"
    if kind is Kind.OURS:
        return None
    if kind is Kind.INSTALLATION:
        setting, remedy = _longest(REMEDIES, code) or INSTALLATION_REMEDY
        return InstallationFault(problem, setting=setting, remedy=remedy)
    if kind is Kind.LIMIT:
        setting, remedy = _longest(REMEDIES, code) or ("", "")
        return LimitExceeded(problem, setting=setting, remedy=remedy)
    setting, remedy = UNAVAILABLE_REMEDY
    return DatabaseUnavailable(problem, setting=setting, remedy=remedy)


def _longest(table: Mapping[str, Value], code: str) -> Value | None:
    return next((table[code[:n]] for n in range(len(code), 1, -1) if code[:n] in table), None)
