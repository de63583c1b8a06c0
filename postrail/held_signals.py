"""Holds SIGTERM and SIGINT while a service starts, until its event loop can handle them.

A process whose Python still imports has no handler. As the first process of a container it would
miss the signal (kill(2)), and be killed at the end of the grace period.
"""

from __future__ import annotations

import signal

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def hold() -> None:
    """Lets stop signals wait. They also wait while this process executes another program."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def release() -> None:
    """Delivers the stop signals that wait, and later ones as they come."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
