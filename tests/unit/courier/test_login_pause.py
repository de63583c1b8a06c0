"""Tests the pauses after refused logins."""

from __future__ import annotations

from postrail.courier.login_pause import LoginPause


def test_pauses_grow_to_an_hour() -> None:
    pause, now, found = LoginPause(), 1000.0, []
    for _ in range(6):
        found.append(pause.after_refusal(now))
        now += found[-1]
    assert found == [300, 600, 1200, 2400, 3600, 3600]


def test_logins_that_are_refused_together_count_once() -> None:
    pause = LoginPause()
    assert [pause.after_refusal(now) for now in (0.0, 1.0, 300.0)] == [300, 299, 600]


def test_a_login_that_succeeds_ends_the_pause() -> None:
    pause = LoginPause()
    pause.after_refusal(0.0)
    pause.end()
    assert pause.after_refusal(10.0) == 300
