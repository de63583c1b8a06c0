"""Looks at each part that an installation needs, and says what is wrong and what to do about it.

Nothing is changed but a small object that is written to the blob store and removed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from postrail.errors import PipelineError

State = Literal["ok", "warning", "wrong", "skipped"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found about one part; when it is wrong, which setting it is and the remedy."""

    part: str
    state: State
    says: str
    setting: str = ""
    remedy: str = ""


def fine(part: str, says: str) -> Finding:
    """The part is as it should be."""
    return Finding(part=part, state="ok", says=says)


def warning(part: str, says: str, *, setting: str, remedy: str) -> Finding:
    """The part works, and something about it is dangerous."""
    return Finding(part=part, state="warning", says=says, setting=setting, remedy=remedy)


def skipped(part: str, because: str) -> Finding:
    """The part cannot be looked at while another one is wrong."""
    return Finding(part=part, state="skipped", says=because)


def wrong(part: str, error: PipelineError, *, setting: str = "", remedy: str = "") -> Finding:
    """The part is not as it should be; setting and remedy where the error does not name them."""
    return Finding(
        part=part,
        state="wrong",
        says=error.problem,
        setting=error.setting or setting,
        remedy=error.remedy or remedy,
    )
