"""`postrail issues mail` on real servers: queued, and shown in the history."""

from __future__ import annotations

from pathlib import Path

from tests.makers.commands import Postrail, answer
from tests.makers.installation import Filled

TO = ("--to", "supplier@example.net", "--text", "Is it in stock?")


def test_a_letter_is_queued_and_stands_in_the_history(
    postrail: Postrail, filled: Filled, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.pdf"
    plan.write_bytes(b"%PDF")
    assert postrail("issues", "attachments", "add", "HELP-1", str(plan))[0] == 0
    code, output, errors = postrail("issues", "mail", "help-1", *TO, "--attach", "plan.pdf")
    assert code == 0, errors
    assert "with plan.pdf; it is comment" in output
    assert output.endswith("Notified by email: supplier@example.net.\n")
    rows = answer(postrail, "issues", "history", "HELP-1")
    (sent,) = [row["after"] for row in rows if row["field"] == "mail"]
    assert (sent["to"], sent["files"]) == (["supplier@example.net"], ["plan.pdf"])
    assert "supplier@example.net" in postrail("issues", "history", "HELP-1")[1]
