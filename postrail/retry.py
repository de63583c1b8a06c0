"""Decides when to try again, for queues, breakers and pauses. Pure."""

from __future__ import annotations

import random


def backoff_seconds(attempt: int, base: float, maximum: float, jitter: float = 0.2) -> float:
    """Returns the seconds to wait before the next attempt: doubled each time, up to a maximum.

    `attempt` counts the failed attempts so far, from 1. The jitter keeps replicas that failed
    together from coming back together.
    """
    plain = min(maximum, base * 2.0 ** (min(attempt, 64) - 1))
    return plain * (1 + random.uniform(-jitter, jitter))  # noqa: S311  Not a secret.
