"""`postrail accounts authorize`: a person signs in for a mail account that uses OAuth2."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.configuration.change import account_named
from postrail.configuration.configured import TokenOwner
from postrail.configuration.load import mail_accounts
from postrail.configuration.models.credential import OAuthCredential
from postrail.configuration.models.credential_checks import is_loopback_address
from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError
from postrail.oauth.authorize import Authorization
from postrail.oauth.tokens import credential_of
from postrail.secrets import Secrets
from postrail.settings import Settings
from services.cli.commands.accounts.callback_server import CallbackServer
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, connected_to_own, load, shared_clock
from services.cli.visible import clean

# As long as an authorization that was begun stays valid.
ANSWER_SECONDS = 900.0


Paste = Annotated[
    bool, typer.Option("--paste", help="Paste the answer here, if this machine has no browser.")
]
PortOption = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="The port for the answer; 0: any free one.")
]


def authorize(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The account.")],
    paste: Paste = False,
    port: PortOption = 0,
    data: Data = None,
) -> None:
    """Authorize an OAuth2 mail account, or test a credential that needs no sign-in.

    The fetcher resumes by itself within seconds.

    Example: [bold]postrail accounts authorize help[/bold]
    """
    settings = load(data)
    account = complete(_found(settings, name))
    sign_in(settings, account, "read the mailbox", paste=paste, port=port)
    typer.echo(f"Mail account {name} is authorized; the fetcher resumes by itself.")


def sign_in(settings: Settings, owner: TokenOwner, purpose: str, *, paste: bool, port: int) -> None:
    """Gets tokens for an account or a connection, by the flow of its credential.

    `purpose` says what the user who signs in may do.
    """
    credential = complete(_credential(settings, owner))
    clock = complete(shared_clock(settings))
    authorization = Authorization(
        owner, lambda: connected(settings), Secrets(settings.secrets), clock
    )
    note = ""
    match credential.flow:
        case "authorization_code" if paste or not is_loopback_address(credential.redirect_address):
            note = _by_paste(authorization, purpose)
        case "authorization_code":
            note = _by_browser(authorization, credential, port, purpose)
        case "device_code":
            note = _by_device(authorization)
        case _:
            complete(authorization.fetch())
    if note:
        typer.echo(clean(f"Note: {note}."))


async def _found(settings: Settings, name: str) -> MailAccount:
    async with connected_to_own(settings) as connection:
        return account_named(name, await mail_accounts(connection))


async def _credential(settings: Settings, owner: TokenOwner) -> OAuthCredential:
    if not owner.credential:
        raise ConfigurationError(
            f"{owner.title} logs in without tokens and needs no authorization",
            setting=f"{owner.title}: credential",
            remedy="Name a credential there to log in with OAuth2",
        )
    async with connected_to_own(settings) as connection:
        return await credential_of(connection, owner)


# No event loop runs while a person is waited for, so that Ctrl-C ends the command at once.


def _by_paste(authorization: Authorization, purpose: str) -> str:
    begun = complete(authorization.begin())
    _show_address(begun.address, purpose)
    typer.echo("The browser ends at an address that may not open: that address is the answer.")
    answer = typer.prompt("Paste that address, or the code in it")
    return complete(authorization.finish(answer, begun.state))


def _by_browser(
    authorization: Authorization, credential: OAuthCredential, port: int, purpose: str
) -> str:
    with CallbackServer(credential.redirect_address, port) as server:
        begun = complete(authorization.begin(server.redirect_address))
        server.expect(begun.state)
        _show_address(begun.address, purpose)
        typer.echo(f"Waiting for the answer at {server.redirect_address} …")
        answer = server.answer(ANSWER_SECONDS)
    return complete(authorization.finish(answer, begun.state))


def _by_device(authorization: Authorization) -> str:
    device = complete(authorization.begin_device())
    typer.echo(clean(f"Open {device.address} on any device and enter the code {device.code}"))
    typer.echo("Waiting for that …")
    return complete(authorization.finish_device(device))


def _show_address(address: str, purpose: str) -> None:
    typer.echo(f"Open this address and sign in as a user that may {purpose}:")
    typer.echo("")
    typer.echo(address)
    typer.echo("")
