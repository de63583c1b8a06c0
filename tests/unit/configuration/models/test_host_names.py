"""The names of mail servers that an account trusts."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.makers.configuration import mail_account
from tests.unit.configuration.models.test_handler_checks import faults_of

HOSTS = ["mx1", "MX.desk.example", ".outlook.office365.com", ".co-1.example", ".internal", "a_b"]


@pytest.mark.parametrize("field", ["authserv_ids", "trusted_hosts"])
def test_names_of_servers_and_of_their_domains(field: str) -> None:
    settings: dict[str, Any] = {field: HOSTS}
    account = mail_account(**settings)
    assert getattr(account, field) == [name.lower() for name in HOSTS]


@pytest.mark.parametrize("field", ["authserv_ids", "trusted_hosts"])
@pytest.mark.parametrize("name", [".com", ".", "..", ".com.", "..desk.example", "", "a b"])
def test_a_name_that_is_of_anybody_is_refused(field: str, name: str) -> None:
    settings: dict[str, Any] = {field: [name]}
    with pytest.raises(ValidationError, match=field):
        mail_account(**settings)


def test_the_fault_says_what_to_write() -> None:
    (fault,) = faults_of(
        "accounts:\n  - name: support\n    host: imap.example.com\n"
        "    address: support@example.com\n    project: HELP\n    username: x\n"
        "    password: env:POSTRAIL_SECRET_X\n    authserv_ids: [.com]\n"
    )
    assert "authserv_ids" in fault
    assert "must be a host name, or a domain such as .example.org for all hosts below it" in fault
