"""A sender that stops itself with SIGSTOP right before its first final dot, as if suspended there.

It has recorded that the message is begun; what wakes it up is the test's SIGCONT.
"""

from __future__ import annotations

import os
import runpy
import signal

from postrail.outgoing.queue import Claimed
from services.sender.begun import Begun

record = Begun.record


async def record_and_stop(begun: Begun, claimed: Claimed, draft: str) -> None:
    """Records the message as begun; the first time, stops the process then."""
    await record(begun, claimed, draft)
    Begun.record = record  # type: ignore[method-assign]
    os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    Begun.record = record_and_stop  # type: ignore[method-assign, assignment]
    runpy.run_module("services.sender", run_name="__main__", alter_sys=True)
