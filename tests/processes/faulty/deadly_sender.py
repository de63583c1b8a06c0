"""A sender that dies of messages with a certain word in their text, before the final dot.

python -m tests.processes.faulty.deadly_sender
"""

from __future__ import annotations

import os
import runpy
import signal
from typing import Any

from postrail.courier import Envelope
from postrail.courier.smtp import SmtpCourier

WORD = b"deadly"

send = SmtpCourier.send


async def send_or_die(courier: SmtpCourier, envelope: Envelope, *arguments: Any) -> Any:
    """Sends the message, or kills the process when it has the word."""
    if WORD in envelope.content:
        os.kill(os.getpid(), signal.SIGKILL)
    return await send(courier, envelope, *arguments)


def main() -> None:
    """Runs the sender with this fault."""
    SmtpCourier.send = send_or_die  # type: ignore[method-assign, assignment]
    runpy.run_module("services.sender", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
