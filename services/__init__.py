"""The services of the pipeline, one package each, and the command that operates them."""

from __future__ import annotations


def module_of(service: str) -> str:
    """Returns the name of the module that runs a service, for `python -m`.

    The wheel ships this package as `postrail_services`, so the name is not written down.
    """
    return f"{__name__}.{service}"
