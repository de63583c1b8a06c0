"""The doctor's findings for an account that reads a folder of this machine."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from postrail.clock import SystemClock
from postrail.database import Connection
from postrail.doctor.mail import check_account
from postrail.oauth.tokens import AccessTokens
from postrail.secrets import Secrets
from postrail.settings import SecretSettings
from tests.makers.folders import KINDS, Folder

SECRETS = Secrets(SecretSettings())


def no_database() -> AbstractAsyncContextManager[Connection]:
    raise AssertionError("the database is not needed")


TOKENS = AccessTokens(no_database, SECRETS, SystemClock())


@pytest.mark.parametrize("kind", KINDS)
async def test_a_folder_that_can_be_read(kind: str, tmp_path: Path) -> None:
    folder = Folder(kind, tmp_path)
    folder.add(b"Subject: A\n\n")
    finding = await check_account(folder.account(), SECRETS, TOKENS)
    assert (finding.state, finding.part) == ("ok", "account support")
    assert finding.says == f"{folder.path} can be read and holds 1 message"


async def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    account = Folder("eml", tmp_path).account(path="/nowhere/at/all")
    finding = await check_account(account, SECRETS, TOKENS)
    assert finding.state == "wrong"
    assert finding.says == "/nowhere/at/all cannot be read: No such file or directory"
    assert finding.setting == "mail account support: path"
    assert finding.remedy
