"""Runs a service whose writing methods all fail, and add their names to a journal.

`python -m tests.processes.unwriting JOURNAL SERVICE`
"""

from __future__ import annotations

import inspect
import pkgutil
import runpy
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import postrail.courier
import postrail.mailbox
import postrail.tracker
from postrail.blobs import BlobStore
from postrail.courier import Courier
from postrail.mailbox import Mailbox
from postrail.stream.producer import Placed, Producer
from postrail.tracker import Tracker, TransactionalTracker

# The methods of each role that write, or log in with the right to write.
WRITING: dict[type[Any], tuple[str, ...]] = {
    Mailbox: ("open", "finish", "rest"),
    Courier: ("send", "check"),
    Tracker: ("create", "comment", "attach"),
    TransactionalTracker: ("create_issues", "add_comments"),
}
PACKAGES = (postrail.mailbox, postrail.courier, postrail.tracker)


def implementations(role: type[Any]) -> Iterator[type[Any]]:
    """Yields the classes, in the packages of the roles, that have the role's methods."""
    own = {name for name in vars(role) if not name.startswith("_") and name != "fileno"}
    for package in PACKAGES:
        for module in _modules(package):
            for _, found in inspect.getmembers(module, inspect.isclass):
                if found is not role and own <= set(dir(found)):
                    yield found


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield import_module(found.name)


def writing_methods() -> Iterator[tuple[type[Any], str]]:
    """Yields each class with the name of each of its writing methods."""
    for role, names in WRITING.items():
        for found in implementations(role):
            yield from ((found, name) for name in names if hasattr(found, name))
    yield from ((Producer, "send"), (BlobStore, "put"), (BlobStore, "archive"))


def failing(journal: Path, place: type[Any], name: str) -> Callable[..., Any]:
    """Returns a method that adds its name to the journal and fails."""

    def call(_: object, *arguments: Any, **named: Any) -> Any:
        if place is Producer and not any(arguments):
            # The sweeper of an empty outbox sends nothing.
            return _nothing()
        with journal.open("a") as file:
            file.write(f"{place.__name__}.{name}\n")
        raise RuntimeError(f"{place.__name__}.{name} was called")

    return call


async def _nothing() -> list[Placed]:
    return []


def main() -> None:
    """Replaces the methods and runs the service."""
    journal, service = Path(sys.argv[1]), sys.argv[2]
    for place, name in set(writing_methods()):
        setattr(place, name, failing(journal, place, name))
    sys.argv = [service]
    runpy.run_module(f"services.{service}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
