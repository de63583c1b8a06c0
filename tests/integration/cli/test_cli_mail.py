"""`postrail mail` on real servers: messages with their outcomes, their bytes, and retries."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest

from postrail.blobs import BlobStore
from postrail.database import one_connection
from postrail.message_parts import Bounce, BouncedRecipient
from postrail.settings import Settings
from tests.makers.commands import Postrail, answer
from tests.makers.installation import (
    LARGE,
    PARTS,
    RAW,
    UNPARSABLE,
    Filled,
    replied,
    take_effect,
)
from tests.makers.records import calendar_event, mail_parsed


def test_messages_are_listed_with_their_outcomes_and_reasons(
    postrail: Postrail, filled: Filled
) -> None:
    _, output, _ = postrail("mail", "list")
    assert "HELP-1" in output
    assert "the message could not be parsed: no headers" in output
    # The text of a stranger is neither markup nor a control sequence.
    assert "Printer [red]on� fire" in output
    assert "\x1b" not in output
    states = {mail["mail_id"]: mail["state"] for mail in answer(postrail, "mail", "list")}
    assert states == {
        filled.inline: "done",
        filled.blob: "done",
        filled.unparsable: "failed",
        filled.fetched: "fetched",
    }


def test_a_message_is_one_line_however_long_its_subject_is(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    asyncio.run(take_effect(settings, mail_parsed(subject="x" * 90_000), []))
    _, output, _ = postrail("mail", "list")
    assert len(output.splitlines()) == 1 + len(answer(postrail, "mail", "list"))
    assert f"{'x' * 39}…" in output


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (["--state", "failed"], {"unparsable"}),
        (["--state", "failed", "--state", "fetched"], {"unparsable", "fetched"}),
        (["--mailbox", "support", "--state", "done"], {"inline", "blob"}),
        (["--mailbox", "nobody"], set()),
        (["--issue", "help-1"], {"inline"}),
    ],
)
def test_messages_are_listed_by_state_mailbox_and_issue(
    postrail: Postrail, filled: Filled, filters: list[str], found: set[str]
) -> None:
    mails = answer(postrail, "mail", "list", *filters)
    names = {mail_id: name for name, mail_id in vars(filled).items()}
    assert {names[mail["mail_id"]] for mail in mails} == found


def test_a_message_is_shown_by_the_beginning_of_its_id(postrail: Postrail, filled: Filled) -> None:
    mail = answer(postrail, "mail", "show", filled.inline[:10])
    assert (mail["mail_id"], mail["outcome"], mail["issue_key"]) == (
        filled.inline,
        "issue",
        "HELP-1",
    )
    _, output, _ = postrail("mail", "show", filled.inline)
    assert "HELP-1" in output
    assert "no known conversation" in output
    assert "New text:\n  It burns." in output
    assert answer(postrail, "mail", "show", filled.fetched)["new_text"] == ""


def test_a_bounce_is_shown_with_its_recipients(postrail: Postrail, settings: Settings) -> None:
    recipient = BouncedRecipient(
        address="bob@customer.example",
        action="failed",
        status="4.4.1",
        status_class="4",
        hard=False,
        reason="451 4.4.1 no answer",
    )
    mail = mail_parsed(
        mail_id=str(uuid.uuid4()),
        kind="bounce",
        bounce=Bounce(recipients=[recipient], original_message_id=None),
    )
    asyncio.run(take_effect(settings, mail, []))
    _, output, _ = postrail("mail", "show", mail.mail_id)
    line = "failed, may work again later: bob@customer.example (4.4.1); 451 4.4.1 no answer"
    assert line in output
    assert answer(postrail, "mail", "show", mail.mail_id)["bounced"] == [asdict(recipient)]


def test_a_message_is_shown_with_the_events_of_its_calendar(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    mail = mail_parsed(text="Shall we meet?", events=[calendar_event(location="Room 2")])
    asyncio.run(take_effect(settings, mail, []))
    _, output, _ = postrail("mail", "show", mail.mail_id)
    assert "Calendar:\n  New invitation: Look at the lamp\n" in output
    assert "  Where: Room 2\n" in output
    assert "New text:\n  Shall we meet?" in output


def test_a_message_is_shown_with_what_was_left_out_of_it(
    postrail: Postrail, settings: Settings
) -> None:
    defects = ["text outside of the parts was left out", "a second one"]
    mail = mail_parsed(defects=defects)
    asyncio.run(take_effect(settings, mail, []))
    _, output, _ = postrail("mail", "show", mail.mail_id)
    shown = next(line.split() for line in output.splitlines() if line.startswith("Defects"))
    assert " ".join(shown[1:]) == "text outside of the parts was left out; a second one"
    assert answer(postrail, "mail", "show", mail.mail_id)["defects"] == defects


def test_the_stages_of_the_decision_come_last_and_the_facts_in_json_only(
    postrail: Postrail, filled: Filled
) -> None:
    _, output, _ = postrail("mail", "show", filled.inline)
    text, _, decided = output.partition("Decided by:")
    assert "New text:\n  It burns." in text
    assert "  same_message: passed\n" in decided
    assert decided.endswith("  handlers: issue\n")
    assert "change_id" not in output
    assert "facts" in answer(postrail, "mail", "show", filled.inline)["trace"]


@pytest.mark.parametrize("mail_id", ["ffffffffffffffff", "", "not an id"])
def test_an_unknown_message_ends_with_1(postrail: Postrail, filled: Filled, mail_id: str) -> None:
    code, output, errors = postrail("mail", "show", mail_id)
    assert (code, output) == (1, "")
    assert "Remedy: See: postrail mail list" in errors


@pytest.mark.parametrize(
    ("name", "raw"),
    [("inline", RAW), ("blob", LARGE), ("unparsable", UNPARSABLE), ("fetched", RAW)],
)
def test_the_raw_message_is_printed_byte_for_byte(
    postrail: Postrail, filled: Filled, name: str, raw: bytes
) -> None:
    code, output, _ = postrail("mail", "show", vars(filled)[name], "--raw")
    assert code == 0
    assert output.encode(errors="surrogateescape") == raw


def test_a_message_is_shown_though_its_texts_are_lost(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    mail_id = replied(settings, PARTS, large=True)
    content = json.dumps(asdict(PARTS)).encode()
    asyncio.run(BlobStore(settings.blobs.url).delete(hashlib.sha256(content).hexdigest()))
    code, output, _ = postrail("mail", "show", mail_id)
    assert code == 0
    assert "there is no blob" in output


def test_following_prints_each_change_until_interrupted(
    environment: dict[str, str], settings: Settings, filled: Filled
) -> None:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "services.cli", "mail", "follow", "--json"],
        env=os.environ | environment,
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = json.loads(change_until_printed(process, settings, filled.fetched))
            assert line["mail_id"] == filled.fetched
            assert line["attempts"] > 0
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()


def change_until_printed(process: subprocess.Popen[str], settings: Settings, mail_id: str) -> str:
    """Changes a message repeatedly, as changes before the start of the command are not printed."""
    assert process.stdout is not None
    with ThreadPoolExecutor(1) as thread:
        line = thread.submit(process.stdout.readline)
        for _ in range(60):
            asyncio.run(change(settings, mail_id))
            with suppress(TimeoutError):
                return line.result(timeout=0.5)
        process.kill()
    raise AssertionError("nothing was printed")


async def change(settings: Settings, mail_id: str) -> None:
    async with one_connection(settings.database) as connection:
        await connection.execute(
            "UPDATE incoming_mail SET attempts = attempts + 1 WHERE mail_id = %s", [mail_id]
        )
