"""The errors of the pipeline, and the chains of those that they come from."""

from __future__ import annotations

from postrail.errors import TransientError, causes


def test_causes_are_those_raised_from_and_those_being_handled() -> None:
    low = OSError("low")
    middle = ValueError("middle")
    middle.__context__ = low
    high = TransientError("high")
    high.__cause__ = middle
    assert list(causes(high)) == [high, middle, low]


def test_a_chain_that_leads_back_to_itself_ends() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert list(causes(first)) == [first, second]
    alone = ValueError("alone")
    alone.__cause__ = alone
    assert list(causes(alone)) == [alone]
