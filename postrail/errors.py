"""Defines the errors of the pipeline, by what each means for the work in flight.

PipelineError
├── ConfigurationError   stop at start: a person must change a setting
├── TransientError       try again later: a server, a network or a lock was unavailable
├── PermanentError       trying again cannot help: this message fails, the others go on
└── FatalError           the process ends without a commit; its successor repeats the work
"""

from __future__ import annotations


class PipelineError(Exception):
    """A fault in the pipeline; `remedy` says how a person can fix it."""

    def __init__(self, problem: str, *, remedy: str = "", setting: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.setting = setting

    def __str__(self) -> str:
        parts = [self.problem.rstrip(".")]
        if self.setting:
            parts.append(f"Setting: {self.setting}")
        if self.remedy:
            parts.append(self.remedy.rstrip("."))
        return ". ".join(parts) + "."


class ConfigurationError(PipelineError):
    """A setting is wrong or missing; the process cannot start until it is changed."""


class TransientError(PipelineError):
    """A part that we need is unavailable for the moment; the same work may succeed later."""


class PermanentError(PipelineError):
    """This work can never succeed as it is; it is recorded as failed and other work goes on."""


class FatalError(PipelineError):
    """The process cannot go on safely; it ends without committing the work in flight."""
