"""Defines the errors of the pipeline, by what each means for the work in flight.

PipelineError
├── ConfigurationError   stop at start: a person must change a setting
├── TransientError       try again later: a server, a network or a lock was unavailable
│   ├── ServerUnavailable    a mail server cannot be reached, or asks for a pause
│   ├── InstallationFault    a person must act: a right, a table, space or a descriptor lacks
│   └── LimitExceeded        this work alone exceeds a limit; it may pass later, others are free
├── PermanentError       trying again cannot help: this message fails, the others go on
└── FatalError           the process ends without a commit; its successor repeats the work
"""

from __future__ import annotations

import errno
from collections.abc import Iterator


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


class ServerUnavailable(TransientError):
    """The mail server cannot be reached or broke off the connection; its messages stay there.

    With `after_seconds` the server asked for a pause, which has nothing to do with a message.
    """

    def __init__(
        self, problem: str, *, remedy: str = "", setting: str = "", after_seconds: float = 0.0
    ) -> None:
        super().__init__(problem, remedy=remedy, setting=setting)
        self.after_seconds = after_seconds


class InstallationFault(TransientError):
    """The installation lacks something (a right, a table, space); no message is to blame."""


class LimitExceeded(TransientError):
    """This work exceeds a limit of a part that works; after many tries the limit is the work's."""


class PermanentError(PipelineError):
    """This work can never succeed as it is; it is recorded as failed and other work goes on."""


class FatalError(PipelineError):
    """The process cannot go on safely; it ends without committing the work in flight."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yields an error and those that it comes from, each once: a chain may lead back to itself."""
    found: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in found:
        found.append(cause)
        yield cause
        cause = cause.__cause__ or cause.__context__


# The remedy for the operating system's errors, by the name of the code.
_REMEDIES = {
    "EMFILE": "Raise the limit of open files (ulimit -n) of this process",
    "ENFILE": "Raise the limit of open files (fs.file-max) of this machine",
    "ENOSPC": "Free space on the disk",
    "EDQUOT": "Free space, or raise the quota",
    "EROFS": "Let this process write there",
    "EACCES": "Give this process the right",
    "EPERM": "Give this process the right",
}


def os_fault(error: OSError) -> InstallationFault:
    """Returns what an error of the operating system means: the installation lacks something.

    Raises MemoryError for that of the operating system.
    """
    if error.errno == errno.ENOMEM:
        raise MemoryError(str(error)) from error
    remedy = _REMEDIES.get(errno.errorcode.get(error.errno or 0, ""), "")
    return InstallationFault(f"the operating system: {error or repr(error)}", remedy=remedy)
