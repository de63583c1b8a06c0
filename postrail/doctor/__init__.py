"""Checks each part of an installation, and reports problems with the setting and a remedy.

It changes nothing, except that it writes a small object to the blob store and removes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from postrail.errors import PipelineError

State = Literal["ok", "warning", "wrong", "skipped"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check; of a problem also the setting and the remedy."""

    part: str
    state: State
    says: str
    setting: str = ""
    remedy: str = ""


def fine(part: str, says: str) -> Finding:
    """Reports a part that works."""
    return Finding(part=part, state="ok", says=says)


def warning(part: str, says: str, *, setting: str, remedy: str) -> Finding:
    """Reports a part that works but has a risk."""
    return Finding(part=part, state="warning", says=says, setting=setting, remedy=remedy)


def skipped(part: str, because: str) -> Finding:
    """Reports a part that cannot be checked."""
    return Finding(part=part, state="skipped", says=because)


def wrong(part: str, error: PipelineError, *, setting: str = "", remedy: str = "") -> Finding:
    """Reports a broken part; `setting` and `remedy` are used where the error names none."""
    return Finding(
        part=part,
        state="wrong",
        says=error.problem,
        setting=error.setting or setting,
        remedy=error.remedy or remedy,
    )
