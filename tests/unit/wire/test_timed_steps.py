"""Steps run in order and are timed, up to the first that fails, whatever it raises."""

from __future__ import annotations

from typing import get_args

import pytest

from postrail.configuration.javamail.names import WIRE_PROTOCOLS
from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError
from postrail.mailbox.trial import TRIALS
from postrail.wire.timed_steps import UNFORESEEN, Findings, run_in_order


def works() -> Findings:
    return Findings("fine", "better so")


def fails() -> Findings:
    raise ConfigurationError("it is wrong", setting="account: host", remedy="fix it")


def breaks() -> Findings:
    raise ZeroDivisionError("unforeseen")


def test_the_first_that_fails_is_the_last() -> None:
    done: list[str] = []

    def noted() -> Findings:
        done.append("noted")
        return Findings("")

    steps = list(run_in_order([("one", works), ("two", noted), ("three", fails), ("four", noted)]))
    assert [(step.name, step.ok, step.detail, step.remedy, step.setting) for step in steps] == [
        ("one", True, "fine", "better so", ""),
        ("two", True, "", "", ""),
        ("three", False, "it is wrong", "fix it", "account: host"),
    ]
    assert done == ["noted"]
    assert all(step.milliseconds >= 0 for step in steps)


@pytest.mark.parametrize(("action", "succeeded"), [(works, True), (fails, False), (breaks, False)])
def test_it_returns_whether_all_succeeded(action: object, succeeded: bool) -> None:
    def outcome() -> bool:
        steps = run_in_order([("one", action)])  # type: ignore[list-item]
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return bool(end.value)

    assert outcome() is succeeded


def test_an_unforeseen_error_fails_the_step() -> None:
    (step,) = run_in_order([("one", breaks)])
    assert (step.ok, step.detail) == (False, "ZeroDivisionError: unforeseen")
    assert step.remedy == UNFORESEEN


def test_each_protocol_has_a_trial() -> None:
    protocols = get_args(MailAccount.model_fields["protocol"].annotation)
    assert "imap" in protocols
    assert {WIRE_PROTOCOLS.get(protocol, protocol) for protocol in protocols} == TRIALS.keys()
