"""The commands that messages to operators name exist, with their options."""

from __future__ import annotations

import re
import shlex

import pytest

from postrail.decision.loops import limits
from postrail.effects.forwarding import brake
from postrail.notifications import fixed_texts
from services.cli.app import run
from services.sender.alerts import faults, held, unreached

LETTERS = (
    limits.NOTICE,
    brake.HELD,
    fixed_texts.SHOW,
    faults.SHOW,
    faults.RETRY,
    faults.TEST,
    held.SHOW,
    held.RELEASE,
    unreached.RELEASE,
)
COMMANDS = sorted({one for text in LETTERS for one in re.findall(r"postrail ([a-z].*)", text)})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_in_a_letter_is_known(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [word.format_map(Placeholders()) for word in shlex.split(command)]
    assert run([*arguments, "--help"]) == 0, capsys.readouterr().err


class Placeholders(dict[str, str]):
    """Fills in any placeholder."""

    def __missing__(self, name: str) -> str:
        return "x"
