"""`postrail export` of a real database; applying it changes nothing, or fills an empty database."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.makers.commands import Postrail, commands_in

FILE = r"""
connections:
  - {name: out, host: smtp.example.org, username: me, password: smtp secret,
     from_address: desk@example.org, is_default: true}
  - {name: spare, host: smtp.example.net, from_address: desk@example.net, enabled: false}
projects:
  - {key: HELP, name: Help desk, issue_types: [Request, Änderung], default_issue_type: Änderung,
     fields: [{name: Room, kind: text}, {name: Site, kind: text}]}
  - {key: SALES, name: "Sales: all", connection: spare, statuses: [{name: Open, category: to do},
     {name: Released, category: done, needs_approval: true, approval_setup: releases,
      approvers: [agent@example.org, "group:support"], approval_rule: 2}]}
accounts:
  - {name: help, host: imap.example.org, username: help, password: "env:POSTRAIL_SECRET_HELP",
     address: help@example.org, project: HELP, folder: Anträge, only_after: 2026-01-01}
  - {name: sales, host: imap.example.org, username: sales, password: " a secret ",
     address: sales@example.org, project: SALES, encryption: starttls, timeout_ms: 1000}
  - {name: answers, purpose: approvals, host: imap.example.org, login_of: out,
     address: desk@example.org, project: HELP, authserv_ids: [mx.example.org]}
approvals:
  - {name: releases, enabled: true, account: answers, callback_secret: h3ush, language: de,
     words: {de: {approve: [gut], reject: ["schlecht"]}}, callback_hosts: [deploy.internal],
     comment_required: true, page_url: "https://desk.example.org"}
  - {name: other}
limits:
  - {name: sender_messages, value: 50}
  - {name: machine_messages, minutes: 60, senders: [alarm@example.org]}
handlers:
  - name: bugs
    accounts: [help]
    order: 10
    allowed_senders: ['@partner\.example$']
    sample_addresses: {a@partner.example: allowed, a@example.org: refused}
    when: {all: [{subject starts: "Bug:"}, {not: {sender domain in: [partner.example]}}]}
    kind: create
    project: HELP
    fields: {Room: {from: header X-Room, pattern: '(\d+)'}, Site: Berlin}
    attachments: {max_bytes: 1000000, refused_names: ['\.exe$']}
    then:
      - {set: {priority: High}}
      - {watchers: [agent@example.org]}
      - approval: {setup: releases, approvers: ["group:support"], deadline: 2d, remind_after: 90m}
  - {name: jira, jira_parameters: "project=SALES, issuetype=1, reporterusername=agent@example.org"}
sender_filters:
  - {name: spam, domains: ['@spam\.example$'], accounts: [help], then: quarantine}
people:
  - {address: agent@example.org, name: An Agent, addresses: [B@example.org, a@example.org],
     groups: [support, Änderungen], language: de, time_zone: Europe/Berlin}
  - {address: gone@example.org, active: false}
"""


@pytest.fixture
def postrail(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> Postrail:
    """Runs a command in an empty folder; returns its exit code, output and errors."""
    call = commands_in(tmp_path, environment, monkeypatch, capfd)
    (tmp_path / "postrail.yaml").write_text(FILE)
    assert call("apply")[0] == 0
    return call


def test_an_export_with_its_secrets_changes_nothing(postrail: Postrail) -> None:
    assert postrail("export", "all.yaml", "--sealed")[:2] == (0, "Wrote all.yaml.\n")
    assert stat.S_IMODE(Path("all.yaml").stat().st_mode) == 0o600
    text = Path("all.yaml").read_text()
    assert "a secret" not in text
    assert "smtp secret" not in text
    output = postrail("apply", "-f", "all.yaml")[1]
    assert "0 created, 0 changed, 21 unchanged" in output
    assert "Not in the file" not in output
    # The same text again; an existing file is replaced only on request.
    assert postrail("export", "--sealed")[1] == text
    code, _, errors = postrail("export", "all.yaml")
    assert code == 2
    assert "--force" in errors
    assert postrail("export", "all.yaml", "--force")[0] == 0


def test_with_references_another_database_gets_the_same(
    postrail: Postrail, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = postrail("export", "-")[1]
    assert "password: env:POSTRAIL_SECRET_ACCOUNT_SALES_PASSWORD" in text
    assert "password: env:POSTRAIL_SECRET_CONNECTION_OUT_PASSWORD" in text
    assert "password: env:POSTRAIL_SECRET_HELP" in text
    Path("all.yaml").write_text(text)
    monkeypatch.setenv("POSTRAIL_DATABASE__URL", empty_database_url)
    assert postrail("migrate")[0] == 0
    assert "16 created" in postrail("apply", "-f", "all.yaml")[1]
    assert "21 unchanged" in postrail("apply", "-f", "all.yaml")[1]
    assert "ACCOUNT_ANSWERS" not in text
    assert "callback_secret: env:POSTRAIL_SECRET_APPROVAL_SETUP_RELEASES_CALLBACK_SECRET" in text
    # Provided secrets are references there.
    again = postrail("export")[1]
    without_comments = [line for line in text.splitlines() if "#" not in line]
    assert [line for line in again.splitlines() if "#" not in line] == without_comments


def test_a_file_that_cannot_be_written_is_reported(postrail: Postrail) -> None:
    code, _, errors = postrail("export", "nowhere/all.yaml")
    assert code == 2
    assert "cannot be written" in errors
