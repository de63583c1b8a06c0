"""`postrail accounts authorize` and the doctor's finding, with a provider that keeps state."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any, TextIO, cast

import httpx
import pytest

from postrail.clock import SystemClock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.store import save as save_thing
from postrail.doctor.mail import check_mail_servers
from postrail.secrets import Secrets
from postrail.settings import load_settings
from services.cli.app import run
from tests.makers.oauth import Scene
from tests.makers.settings import environment_of, settings_of
from tests.servers.certificates import Certificates
from tests.servers.oauth_provider import OAuthProvider, running


class Shell:
    """The output of a command as it is printed, and the reaction of a person."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.group = "accounts"
        self.output = ""
        self.react: Callable[[str], None] = lambda _: None

    def run(self, *arguments: str) -> int:
        """Runs `postrail accounts authorize`, or that of another group; returns its exit code."""
        here = cast(TextIO, self)
        with contextlib.redirect_stdout(here), contextlib.redirect_stderr(here):
            return run([self.group, "authorize", *arguments])

    def write(self, text: str) -> int:
        self.output += text
        if address := re.search(r"^https://\S+$", text.strip()):
            self.react(address[0])
        return len(text)

    def flush(self) -> None:
        """Does nothing, as nothing is buffered."""

    def isatty(self) -> bool:
        return False


@pytest.fixture
def provider(certificates: Certificates) -> Iterator[OAuthProvider]:
    yield from running(certificates)


@pytest.fixture
def scene(
    provider: OAuthProvider,
    certificates: Certificates,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Scene:
    # The sign-in needs no Kafka.
    environment = environment_of(
        tmp_path, bootstrap_servers="127.0.0.1:1", database_url=database_url
    )
    settings = settings_of(environment)
    found = Scene(provider, certificates, settings.database.url.get_secret_value())
    found.key = settings.secrets.keys.get_secret_value()
    found.secrets = Secrets(settings.secrets)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def shell(scene: Scene) -> Shell:
    return Shell(scene)


def store(scene: Scene, given: Any, **account: Any) -> None:
    asyncio.run(scene.store(given, **account))


def state(scene: Scene) -> str:
    return str(asyncio.run(scene.row())[0])


@pytest.mark.parametrize("kind", ["custom", "microsoft", "google"])
def test_the_answer_is_received_on_a_loopback_port(scene: Scene, shell: Shell, kind: str) -> None:
    store(scene, getattr(scene, kind)())

    def browser(address: str) -> None:
        answer = scene.browse(address)
        threading.Thread(target=httpx.get, args=[answer]).start()

    shell.react = browser
    assert shell.run("support") == 0
    assert "Open this address and sign in" in shell.output
    assert "Mail account support is authorized" in shell.output
    assert state(scene) == "authorized"


def test_a_connection_is_authorized_in_the_same_way(scene: Scene, shell: Shell) -> None:
    store(scene, scene.custom())
    out = OutgoingConnection(
        name="out",
        mode="oauth2",
        host="localhost",
        credential="desk",
        from_address="desk@example.org",
        is_default=True,
    )

    async def signed_in() -> str:
        return scene.provider.valid[await scene.tokens().token(out)]

    async def save() -> None:
        async with scene.transaction() as connection:
            await save_thing(connection, out, before=None, author="t", now=scene.clock.now())

    def browser(address: str) -> None:
        answer = scene.browse(address)
        threading.Thread(target=httpx.get, args=[answer]).start()

    asyncio.run(save())
    shell.react, shell.group = browser, "connections"
    assert shell.run("out") == 0
    assert "sign in as a user that may send its messages" in shell.output
    assert "Connection out is authorized; the sender resumes by itself." in shell.output
    assert asyncio.run(signed_in()) == "desk@example.org"


@pytest.mark.parametrize("pasted", ["address", "code"])
def test_the_answer_is_pasted(
    scene: Scene, shell: Shell, monkeypatch: pytest.MonkeyPatch, pasted: str
) -> None:
    store(scene, scene.custom())
    typed = StringIO()
    monkeypatch.setattr(sys, "stdin", typed)

    def person(address: str) -> None:
        answer = scene.browse(address)
        typed.write(f"{answer if pasted == 'address' else scene.query(answer)['code']}\n")
        typed.seek(0)

    shell.react = person
    assert shell.run("support", "--paste") == 0
    assert state(scene) == "authorized"


def test_the_answer_to_another_host_is_pasted_without_the_option(
    scene: Scene, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.provider.redirect_hosts.add("desk.example.org")
    store(scene, scene.custom(redirect_address="https://desk.example.org/oauth"))
    typed = StringIO()
    monkeypatch.setattr(sys, "stdin", typed)

    def person(address: str) -> None:
        typed.write(f"{scene.browse(address)}\n")
        typed.seek(0)

    shell.react = person
    assert shell.run("support") == 0
    assert state(scene) == "authorized"


def test_a_code_is_shown_for_another_device(scene: Scene, shell: Shell) -> None:
    store(scene, scene.microsoft(flow="device_code", client_id="public", client_secret=""))
    scene.provider.device_entered.set()
    assert shell.run("support") == 0
    assert "/device on any device and enter the code ABCD-EFGH" in shell.output
    assert state(scene) == "authorized"


def test_an_application_without_sign_in_is_only_tested(scene: Scene, shell: Shell) -> None:
    store(scene, scene.microsoft(flow="client_credentials"))
    assert shell.run("support") == 0
    assert state(scene) == "authorized"
    store(scene, scene.microsoft(flow="client_credentials", client_id="stranger"))
    assert shell.run("support") == 2
    assert "Setting: credential desk: client_id, tenant" in shell.output


@pytest.mark.parametrize(
    ("arguments", "account", "code", "says"),
    [
        (["nobody"], {}, 1, "there is no mail account 'nobody'"),
        (
            ["support"],
            {"credential": "", "username": "u", "password": "env:POSTRAIL_SECRET_X"},
            2,
            "mail account support logs in without tokens and needs no authorization",
        ),
        (["support"], {"credential": "other"}, 2, "has no OAuth2 credential 'other'"),
    ],
)
def test_an_account_that_cannot_be_authorized_has_its_reason(
    scene: Scene, shell: Shell, arguments: list[str], account: dict[str, str], code: int, says: str
) -> None:
    store(scene, scene.custom(), **account)
    assert shell.run(*arguments) == code
    assert says in shell.output


def test_the_doctor_names_the_account_that_needs_authorization(
    scene: Scene,
) -> None:
    store(scene, scene.custom())
    [finding] = asyncio.run(check_mail_servers(load_settings(), SystemClock()))
    assert finding.part == "account support"
    assert finding.state == "wrong"
    assert "mail account support needs authorization: nobody has signed in" in finding.says
    assert finding.remedy == "Run: postrail accounts authorize support"
