"""`postrail connections test` and `send-test` against a real Postfix: stored ones, and a file's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from postrail.embedded.process_ids import until
from tests.makers.commands import Postrail
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix

pytestmark = pytest.mark.debian


@pytest.fixture
def file(postfix: Postfix, certificates: Certificates, tmp_path: Path) -> Path:
    """Returns a file with two connections to Postfix; the second has a wrong password."""
    common = (
        f"host: localhost, port: {postfix.smtp_port}, username: help@lab.test,"
        f" ca_file: '{certificates.ca_file}', from_address: help@lab.test"
    )
    path = tmp_path / "postrail.yaml"
    path.write_text(
        "connections:\n"
        f"  - {{name: relay, password: {postfix.password}, is_default: true, {common}}}\n"
        f"  - {{name: wrong, password: guessed, {common}}}\n"
    )
    return path


def test_connections_of_a_file_are_tested_and_nothing_is_stored(
    postrail: Postrail, file: Path, postfix: Postfix
) -> None:
    code, output, errors = postrail("connections", "test", "-f", str(file), "relay")
    assert (code, errors) == (0, "")
    head = f"Connection relay: smtp at localhost:{postfix.smtp_port}, starttls\n"
    assert output.startswith(head)
    assert "ok    recipient" in output
    code, output, _ = postrail("connections", "test", "-f", str(file), "--json")
    assert code == 1
    answer = {trial["connection"]: trial for trial in json.loads(output)}
    assert [answer[name]["ok"] for name in ("relay", "wrong")] == [True, False]
    last = answer["wrong"]["steps"][-1]
    assert (last["name"], last["setting"]) == (
        "login",
        "outgoing connection wrong: username, password",
    )
    assert "guessed" not in output


def test_a_stored_connection_sends_a_test_message(
    postrail: Postrail, file: Path, dovecot: Dovecot
) -> None:
    code, _, errors = postrail("apply", "-f", str(file))
    assert (code, errors) == (0, "")
    code, output, errors = postrail("connections", "send-test", "relay", "--to", "ann@lab.test")
    assert (code, errors) == (0, "")
    lines = output.splitlines()
    assert lines[0].startswith("← 220 mx.lab.test")
    assert "→ STARTTLS" in lines
    assert any(line.startswith("→ AUTH PLAIN ***") for line in lines)
    assert "→ ." in lines
    assert lines[-1].startswith("sent: 250 2.0.0 Ok")
    assert until(lambda: bool(dovecot.messages("ann@lab.test")), 20.0)
    (message,) = dovecot.messages("ann@lab.test")
    assert b"Subject: Test of connection relay" in message


def test_a_refused_recipient_is_shown(postrail: Postrail, file: Path) -> None:
    code, output, _ = postrail(
        "connections", "send-test", "relay", "-f", str(file), "--to", "gone@lab.test", "--json"
    )
    assert code == 1
    answer = json.loads(output)
    assert answer["state"] == "failed"
    assert "550 5.1.1" in answer["reply"]
    assert {"sent": "RCPT TO:<gone@lab.test>"} in answer["dialogue"]


@pytest.mark.parametrize("act", ["test", "send-test"])
def test_what_is_no_address_is_refused_before_anything(
    postrail: Postrail, file: Path, act: str
) -> None:
    arguments = ("connections", act, "relay", "-f", str(file), "--to", "not an address")
    code, output, errors = postrail(*arguments)
    assert (code, output) == (2, "")
    assert "--to: 'not an address' is not an address" in errors


def test_an_unknown_name_lists_the_others(postrail: Postrail, file: Path) -> None:
    postrail("apply", "-f", str(file))
    code, _, errors = postrail("connections", "test", "lost")
    assert code != 0
    assert "Name one of these: relay, wrong" in errors


def test_a_name_or_a_file_is_needed(postrail: Postrail) -> None:
    code, _, errors = postrail("connections", "test")
    assert code != 0
    assert "which connection?" in errors
