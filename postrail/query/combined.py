"""Combines conditions: those of queries for issues, and those of mail handlers. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Part = TypeVar("Part")
Leaf = TypeVar("Leaf")


@dataclass(frozen=True, slots=True)
class AllOf(Generic[Part]):
    """Each part holds; without parts it is true."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class AnyOf(Generic[Part]):
    """One or more parts hold; without parts it is false."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Not(Generic[Part]):
    """The part does not hold."""

    part: Part


def leaves(condition: Leaf | AllOf[Any] | AnyOf[Any] | Not[Any]) -> Iterator[Leaf]:
    """Yields the conditions that are not combined of others."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case _:
            yield condition
