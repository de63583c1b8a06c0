"""Runs PostgreSQL as another user when this process is root, which PostgreSQL refuses."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from postrail.errors import ConfigurationError

NOBODY = 65534

# linux/capability.h: either lets a process enter folders that are closed to its user.
CAPABILITIES = {"dac_read_search": 2, "dac_override": 1}


@dataclass(frozen=True)
class RunAs:
    """The user to run PostgreSQL as, and the capability that it keeps."""

    uid: int
    gid: int
    # Needed to enter closed folders above the data; "" when all are open.
    capability: str

    @property
    def prefix(self) -> list[str]:
        """The command that changes to this user and then runs the command after it."""
        kept = f",+{self.capability}" if self.capability else ""
        # initdb finds its programs with access(2), which ignores capabilities without this bit.
        secure = ["--securebits=+no_setuid_fixup"] if self.capability else []
        return [
            "setpriv",
            f"--reuid={self.uid}",
            f"--regid={self.gid}",
            "--clear-groups",
            f"--inh-caps=-all{kept}",
            f"--ambient-caps=-all{kept}",
            *secure,
            # The change of user clears the parent-death signal that the launcher has set.
            "--pdeathsig=INT",
            "--",
        ]


def run_as_other_user(folder: Path, program: Path) -> RunAs | None:
    """Returns the user to run the program as; None when this process is not root.

    Raises ConfigurationError when that user could not reach the folder or the program.
    """
    if os.geteuid() != 0:
        return None
    if shutil.which("setpriv") is None:
        raise ConfigurationError(
            "PostgreSQL refuses to run as root, and setpriv, which runs it as another user,"
            " is missing",
            remedy="Install the package util-linux, or run as an ordinary user",
        )
    uid, gid = _nobody()
    closed = closed_folders([folder.resolve(), program.resolve()])
    return RunAs(uid, gid, _capability_for(closed) if closed else "")


def closed_folders(paths: Sequence[Path]) -> list[Path]:
    """Returns the folders above these paths that other users may not enter."""
    above = {parent for path in paths for parent in (*path.parents, path)}
    folders = (path for path in above if path.is_dir())
    return sorted(path for path in folders if not path.stat().st_mode & stat.S_IXOTH)


def _nobody() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return NOBODY, NOBODY
    return entry.pw_uid, entry.pw_gid


def _capability_for(closed: Sequence[Path]) -> str:
    ours = _permitted_capabilities()
    for name, bit in CAPABILITIES.items():
        if ours >> bit & 1:
            return name
    raise ConfigurationError(
        f"PostgreSQL refuses to run as root, and no other user may enter {closed[0]}",
        remedy="Use a folder that other users may enter (--data), run as an ordinary user,"
        " or grant the capability DAC_READ_SEARCH",
    )


def _permitted_capabilities() -> int:
    """Returns the capabilities a child may keep: permitted and in the bounding set (proc(5))."""
    status = dict(_status_lines(Path("/proc/self/status").read_text()))
    return int(status["CapPrm"], 16) & int(status["CapBnd"], 16)


def _status_lines(text: str) -> Mapping[str, str]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in pairs}


def give(folder: Path, run_as: RunAs | None) -> None:
    """Makes the other user the owner of the folder and of all files in it."""
    if run_as is None or folder.stat().st_uid == run_as.uid:
        return
    os.chown(folder, run_as.uid, run_as.gid)
    for path in folder.rglob("*"):
        os.chown(path, run_as.uid, run_as.gid, follow_symlinks=False)
