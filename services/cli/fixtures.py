"""Files of messages with the expected outcome beside them: NAME.eml and NAME.expected.json.

All but `account` and `expected` may be left out of an expectation, and of `expected` all that does
not matter: {"account": "help", "expected": {"outcome": "issue"}} is a whole one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from postrail.decision.facts import Facts
from postrail.decision.stored import facts
from postrail.decision.way import COMPARED
from postrail.errors import ConfigurationError, PermanentError


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """What a message is expected to become."""

    # The mail account at which it arrives.
    account: str
    # See `postrail.decision.way`; only what is named is compared.
    expected: dict[str, Any]
    # None: the facts of the installation.
    facts: Facts | None = None
    received_at: datetime | None = None
    # Parts of the message that were kept as they were.
    kept: list[str] = field(default_factory=list)


def messages_in(paths: Sequence[Path]) -> list[Path]:
    """Returns the files, and of folders the .eml files in them, by name; raises PermanentError."""
    found = [file for path in paths for file in _files(path)]
    if not found:
        folders = ", ".join(map(str, paths))
        raise PermanentError(f"{folders} holds no .eml file", remedy="Name files with messages")
    return found


def _files(path: Path) -> Iterator[Path]:
    yield from sorted(path.rglob("*.eml")) if path.is_dir() else [path]


def expectation_file(message: Path) -> Path:
    """Returns the file beside a message that has its expectation."""
    return message.with_suffix(".expected.json")


def read_expectation(message: Path) -> Expectation | None:
    """Returns what is expected of a message; raises ConfigurationError for a file that is wrong."""
    file = expectation_file(message)
    try:
        stored = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file}: {error}", remedy="Correct it, or remove it") from error
    try:
        if unknown := sorted(stored["expected"].keys() - set(COMPARED)):
            raise ConfigurationError(
                f"{file} expects {', '.join(unknown)}, which is not known",
                remedy=f"Use some of {', '.join(COMPARED)}",
            )
        known, received_at = stored.get("facts"), stored.get("received_at")
        return Expectation(
            account=stored["account"],
            expected=dict(stored["expected"]),
            facts=None if known is None else facts.from_json(known),
            received_at=datetime.fromisoformat(received_at) if received_at else None,
            kept=list(stored.get("kept", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(
            f"{file} is no expectation: {error!r}",
            remedy='It needs at least {"account": "NAME", "expected": {"outcome": "issue"}}',
        ) from error


def expectation_text(expectation: Expectation) -> str:
    """Returns an expectation as its file has it."""
    stored = {
        "account": expectation.account,
        "received_at": expectation.received_at and expectation.received_at.isoformat(),
        "expected": expectation.expected,
        "facts": None if expectation.facts is None else facts.to_json(expectation.facts),
        "kept": expectation.kept,
    }
    return json.dumps(stored, ensure_ascii=False, indent=2) + "\n"
