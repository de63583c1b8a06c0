"""The reasons why services wait are printed once each, and not for faults that pass at once."""

from __future__ import annotations

from services.cli.local.readiness_log import POLLS, REASONS, ReadinessLog

FULL = "stage: the blob store file:///data/blobs has no space left"


def lines(*polls: dict[str, str]) -> list[str]:
    printed: list[str] = []
    log = ReadinessLog(printed.append)
    for problems in polls:
        log.note(problems)
    return printed


def test_a_reason_that_lasts_is_printed_once_and_its_end_too() -> None:
    outage = [{"parser": FULL}] * (POLLS + 5)
    assert lines(*outage, {}) == [f"parser: waits: {FULL}", "parser: ready again"]
    assert lines(*outage, {}, *outage) == [
        f"parser: waits: {FULL}",
        "parser: ready again",
        f"parser: waits: {FULL}",
    ]


def test_a_fault_that_passes_and_a_process_that_does_not_answer_are_no_news() -> None:
    assert lines(*[{"parser": FULL}] * (POLLS - 1), {}) == []
    assert lines(*[{"parser": "is starting"}] * 9, *[{"parser": "is not running"}] * 9, {}) == []


def test_a_reason_is_one_line_and_only_the_first_ones_are_printed() -> None:
    assert lines(*[{"sender": "a: b\nc: d"}] * POLLS) == ["sender: waits: a: b; c: d"]
    many = [{"sender": f"reason {n}"} for n in range(POLLS + 20)]
    assert len(lines(*many)) == REASONS
