"""`postrail issues accept` on real servers: shown, accepted, and refused."""

from __future__ import annotations

import asyncio

from postrail.message_parts import Address
from postrail.settings import Settings
from tests.makers.commands import Postrail, answer
from tests.makers.installation import Filled, take_effect
from tests.makers.records import mail_parsed

MARK = "(The author takes no part in this issue. Accept the comment with: {})"


def write_from_outside(postrail: Postrail, settings: Settings) -> int:
    """Lets a stranger answer the message that made HELP-1; returns the comment's number."""
    mail_id = answer(postrail, "issues", "show", "HELP-1")["issue"]["mail_id"]
    mail = mail_parsed(
        sender=Address(name="Mallory", address="mallory@example.net"),
        in_reply_to=[answer(postrail, "mail", "show", mail_id)["message_id"]],
        text="I know more.",
    )
    asyncio.run(take_effect(settings, mail, [], partition=2))
    (comment,) = answer(postrail, "issues", "show", "HELP-1")["comments"]
    assert (comment["outsider"], comment["accepted_at"]) == (True, None)
    return int(comment["comment_id"])


def test_what_waits_is_marked_until_it_is_accepted(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    number = write_from_outside(postrail, settings)
    command = f"postrail issues accept HELP-1 {number}"
    shown = " ".join(postrail("issues", "show", "HELP-1")[1].split())
    assert MARK.format(command) in shown
    code, output, errors = postrail("issues", "accept", "help-1", str(number))
    assert code == 0, errors
    assert output.startswith(
        f"Accepted comment {number}: mallory@example.net takes part in HELP-1 now."
        " Notified by email: ada@example.org"
    )
    shown = postrail("issues", "show", "HELP-1")[1]
    assert "takes no part" not in shown
    assert f"accepted comment: {number}" in shown
    again = answer(postrail, "issues", "accept", "HELP-1", str(number))
    assert (again["changed"], again["author"]) == (False, "mallory@example.net")
    output = postrail("issues", "accept", "HELP-1", str(number))[1]
    assert output == f"Comment {number} of HELP-1 was accepted before.\n"


def test_a_number_that_is_no_comment_is_refused(postrail: Postrail, filled: Filled) -> None:
    code, _, errors = postrail("issues", "accept", "HELP-1", "99")
    assert code != 0
    assert "HELP-1 has no comment 99" in errors
    assert "postrail issues show HELP-1" in errors
