"""Tests the pauses after refused logins."""

from __future__ import annotations

import pytest

from postrail.courier.login_pause import LoginPause
from postrail.wire.faults import LoginRefused

REFUSAL = LoginRefused("no", setting="password", remedy="Correct it")


def test_pauses_grow_to_an_hour() -> None:
    pause, now, found = LoginPause(), 1000.0, []
    for _ in range(6):
        found.append(pause.begin(REFUSAL, now).after_seconds)
        now += found[-1]
    assert found == [300, 600, 1200, 2400, 3600, 3600]


def test_logins_that_are_refused_together_count_once() -> None:
    pause = LoginPause()
    found = [pause.begin(REFUSAL, now).after_seconds for now in (0.0, 1.0, 300.0)]
    assert found == [300, 299, 600]


def test_within_a_pause_the_refusal_is_repeated() -> None:
    pause = LoginPause()
    pause.require_over(0.0)
    pause.begin(REFUSAL, 0.0)
    with pytest.raises(LoginRefused) as caught:
        pause.require_over(100.0)
    assert caught.value.after_seconds == 200
    assert str(caught.value) == str(REFUSAL)
    pause.require_over(300.0)


def test_a_login_that_succeeds_ends_the_pause() -> None:
    pause = LoginPause()
    pause.begin(REFUSAL, 0.0)
    pause.end()
    pause.require_over(10.0)
    assert pause.begin(REFUSAL, 10.0).after_seconds == 300
