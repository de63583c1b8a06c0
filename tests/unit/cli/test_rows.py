"""Tables with one line for each row, at the 80 columns of a usual terminal."""

from __future__ import annotations

import pytest

from services.cli import output
from services.cli.output import show_rows
from tests.makers.records import NOON

COLUMNS = ("Issue", "Type", "Summary", "Assignee", "Changed")
OPTIONAL = ("Assignee", "Type")


def shown(capsys: pytest.CaptureFixture[str], *lines: tuple[object, ...]) -> list[str]:
    show_rows(COLUMNS, lines, empty="None.", cut="Summary", optional=OPTIONAL)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "PIPE_WIDTH", 80)


def test_a_row_is_one_line_whatever_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    long = "The printer\non the second floor " + "burns " * 20
    lines = shown(
        capsys, ("HELP-1", "Request", long, "a" * 30, NOON), ("HELP-2", "Bug", "x", "", NOON)
    )
    assert len(lines) == 3
    assert all(len(line) <= 80 for line in lines)
    heading, first, second = lines
    # Without the assignee there is room for the summary; the type stays.
    assert heading.split() == ["Issue", "Type", "Summary", "Changed"]
    assert "Request  The printer on the second floor burns" in first
    assert "…  20" in first
    assert first[-16:] == second[-16:]
    assert first[-3] == ":"


def test_columns_are_left_out_only_where_they_do_not_fit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    heading, _ = shown(capsys, ("HELP-1", "Request", "Short", "ana", NOON))
    assert heading.split() == list(COLUMNS)
    heading, line = shown(capsys, ("HELP-1", "R" * 40, "S" * 60, "ana", NOON))
    assert heading.split() == ["Issue", "Summary", "Changed"]
    assert "S" * 30 in line
    assert shown(capsys) == ["None."]
