"""`postrail mail fixture`: a message with other words takes the same way, without effects."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from postrail.records import BlobReference
from postrail.settings import Settings
from tests.integration.cli.trials.contents import contents_of_tables
from tests.integration.cli.trials.test_explain import DRAFT, message
from tests.makers.commands import Postrail
from tests.makers.installation import Filled, take_effect
from tests.makers.parsing import made

MARKERS = ("ada", "lovelace", "burns", "printer")
RULES = (
    DRAFT
    + """\
  - name: partner
    order: 0
    when: {sender domain is: lovelace.example}
    then: [{labels: [partner]}]
"""
)


def handled(settings: Settings, raw: bytes) -> str:
    """Handles a message whose bytes are in the blob store; returns its id."""
    record = made(raw, mail_id=str(uuid.uuid4())).record
    blob = BlobReference(sha256=sha256(raw).hexdigest(), size=len(raw))
    asyncio.run(take_effect(settings, replace(record, raw_blob=blob), [raw]))
    return record.mail_id


def fixture_of(postrail: Postrail, settings: Settings, raw: bytes) -> tuple[str, str]:
    """Makes a fixture of a message; returns the beginning of its id and what the command says."""
    mail_id = handled(settings, raw)
    before = contents_of_tables(settings)
    code, output, errors = postrail("mail", "fixture", mail_id, "tests")
    assert (code, errors) == (0, "")
    assert contents_of_tables(settings) == before
    return mail_id[:8], output


def printer(**fields: str) -> bytes:
    sender = "Ada Lovelace <ada@lovelace.example>"
    return message("the printer burns", **{"From": sender, **fields})


def test_a_fixture_takes_the_same_way_without_the_words(
    postrail: Postrail, filled: Filled, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "rules.yaml").write_text(DRAFT)
    assert postrail("apply", "-f", "rules.yaml")[0] == 0
    name, output = fixture_of(postrail, settings, printer())
    assert f"Written: tests/{name}.eml and {name}.expected.json." in output
    assert "No words were kept." in output
    files = [tmp_path / "tests" / f"{name}{end}" for end in (".eml", ".expected.json")]
    for file in files:
        assert not [one for one in MARKERS if one in file.read_text().casefold()]
    expected = json.loads(files[1].read_text())
    assert (expected["account"], expected["expected"]["outcome"]) == ("support", "issue")
    assert set(expected["expected"]) == {"outcome", "handler", "effects"}
    assert expected["expected"]["handler"] == "rest"
    assert "To: support@example.com" in files[0].read_text()
    code, output, _ = postrail("handlers", "test", "tests")
    assert (code, "1 messages, 1 with an expectation, 0 not as expected." in output) == (0, True)
    # One more rule in front changes nothing for it.
    front = DRAFT + "  - {name: front, order: 0, when: {subject is: nothing}}\n"
    (tmp_path / "rules.yaml").write_text(front)
    assert postrail("handlers", "test", "tests", "--config", "rules.yaml")[0] == 0
    # Another rule: the operator's own test says so.
    (tmp_path / "rules.yaml").write_text(
        DRAFT.replace("{subject contains: crash}", "{size over: 1}")
    )
    code, output, _ = postrail("handlers", "test", "tests", "--config", "rules.yaml")
    assert (code, "1 not as expected" in output) == (1, True)


def test_what_the_rules_ask_for_is_kept_and_said(
    postrail: Postrail, filled: Filled, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    assert postrail("apply", "-f", "rules.yaml")[0] == 0
    name, output = fixture_of(postrail, settings, printer())
    assert "Kept as in the message: words that the handlers name." in output
    text = (tmp_path / "tests" / f"{name}.eml").read_text()
    assert "lovelace.example" in text
    assert not [one for one in ("ada", "burns", "printer") if one in text.casefold()]
    assert postrail("handlers", "test", "tests")[0] == 0


def test_an_answer_keeps_the_issue_that_it_belongs_to(
    postrail: Postrail, filled: Filled, settings: Settings, tmp_path: Path
) -> None:
    raw = message("Re: HELP-1 the printer burns", Message_ID="<x1@lovelace.example>")
    name, _ = fixture_of(postrail, settings, raw)
    stored = json.loads((tmp_path / "tests" / f"{name}.expected.json").read_text())
    assert stored["expected"]["effects"][0][1]["issue"] == "HELP-1"
    assert "HELP-1" in (tmp_path / "tests" / f"{name}.eml").read_text()
    assert postrail("handlers", "test", "tests")[0] == 0


def test_a_file_is_replaced_only_if_forced(
    postrail: Postrail, filled: Filled, settings: Settings, tmp_path: Path
) -> None:
    mail_id = handled(settings, printer())
    assert postrail("mail", "fixture", mail_id, "tests")[0] == 0
    code, _, errors = postrail("mail", "fixture", mail_id, "tests")
    assert (code, "exists already" in errors) == (2, True)
    assert postrail("mail", "fixture", mail_id, "tests", "--force")[0] == 0


@pytest.mark.parametrize("name", ["fetched", "unparsable"])
def test_a_message_without_a_trace_or_bytes_is_named(
    postrail: Postrail, filled: Filled, name: str
) -> None:
    code, _, errors = postrail("mail", "fixture", getattr(filled, name), "tests")
    assert code in (0, 1)
    assert (code == 0) or "Error: " in errors
