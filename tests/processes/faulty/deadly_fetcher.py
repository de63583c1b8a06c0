"""A fetcher that dies of messages with a certain word in their text, where it reads them.

python -m tests.processes.faulty.deadly_fetcher
"""

from __future__ import annotations

import os
import runpy
import signal
from collections.abc import Sequence

from postrail.mailbox import ReadMail
from postrail.mailbox.folder.mailbox import FolderMailbox

WORD = b"deadly"

read = FolderMailbox.read


def read_or_die(mailbox: FolderMailbox, uids: Sequence[int]) -> list[ReadMail]:
    """Reads the messages, or kills the process when one of them has the word."""
    found = read(mailbox, uids)
    if any(WORD in b"".join(mail.chunks()) for mail in found):
        os.kill(os.getpid(), signal.SIGKILL)
    return found


def main() -> None:
    """Runs the fetcher with this fault."""
    FolderMailbox.read = read_or_die  # type: ignore[method-assign, assignment]
    runpy.run_module("services.fetcher", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
