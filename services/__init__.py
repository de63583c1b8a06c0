"""The services of the pipeline, one package each, and the command that operates them."""

from __future__ import annotations

import signal


def module_of(service: str) -> str:
    """Returns the name of the module that runs a service, for `python -m`.

    The wheel ships this package as `postrail_services`, so the name is not written down.
    """
    return f"{__name__}.{service}"


def hold_stop_signals() -> None:
    """Lets SIGTERM and SIGINT wait until the service that starts can handle them.

    Without a handler, the first process of a container misses them (kill(2)), and is killed at the
    end of its grace period. They also wait while this process executes another program.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
