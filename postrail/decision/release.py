"""A person's order to handle a message again that was held, ignored, or failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """What a person has decided about a message beside the rules."""

    # What held it, and is not asked again: names as in `Decision.held_by`.
    skips: tuple[str, ...] = ()
    # The mail handler that takes it, whatever its conditions; "": the account's, in their order.
    as_handler: str = ""


def to_json(release: Release) -> dict[str, Any]:
    """Returns the release in the form that traces and rows hold."""
    return asdict(release) | {"skips": list(release.skips)}


def from_json(stored: Mapping[str, Any] | None) -> Release | None:
    """Returns the release that is stored, in a trace or in a message's row."""
    if stored is None:
        return None
    return Release(skips=tuple(stored.get("skips", ())), as_handler=stored.get("as_handler", ""))
