"""`postrail accounts authorize`: a person signs in for a mail account that uses OAuth2."""

from __future__ import annotations

from typing import Annotated

import typer

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


def authorize(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The account.")],
    paste: Annotated[
        bool,
        typer.Option("--paste", help="Paste the answer here, if this machine has no browser."),
    ] = False,
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65535, help="The port for the answer; 0: any free one."),
    ] = 0,
    data: Data = None,
) -> None:
    """Authorize an OAuth2 mail account, or test a credential that needs no sign-in.

    The fetcher resumes by itself within seconds.

    Example: [bold]postrail accounts authorize help[/bold]
    """
    settings = load(data)
    account, credential = complete(_found(settings, name))
    clock = complete(shared_clock(settings))
    authorization = Authorization(
        account, lambda: connected(settings), Secrets(settings.secrets), clock
    )
    match credential.flow:
        case "authorization_code" if paste or not is_loopback_address(credential.redirect_address):
            _by_paste(authorization)
        case "authorization_code":
            _by_browser(authorization, credential, port)
        case "device_code":
            _by_device(authorization)
        case _:
            complete(authorization.fetch())
    typer.echo(f"Mail account {name} is authorized; the fetcher resumes by itself.")


async def _found(settings: Settings, name: str) -> tuple[MailAccount, OAuthCredential]:
    async with connected_to_own(settings) as connection:
        accounts = {account.name: account for account in await mail_accounts(connection)}
        account = accounts.get(name)
        if account is None:
            raise ConfigurationError(
                f"there is no mail account {name!r}",
                remedy=f"There are: {', '.join(accounts) or 'none yet; see postrail apply'}",
            )
        if not account.credential:
            raise ConfigurationError(
                f"mail account {name} logs in with a password and needs no authorization",
                setting=f"mail account {name}: credential",
                remedy="Name a credential there to log in with OAuth2",
            )
        return account, await credential_of(connection, account)


# No event loop runs while a person is waited for, so that Ctrl-C ends the command at once.


def _by_paste(authorization: Authorization) -> None:
    begun = complete(authorization.begin())
    _show_address(begun.address)
    typer.echo("The browser ends at an address that may not open: that address is the answer.")
    answer = typer.prompt("Paste that address, or the code in it")
    complete(authorization.finish(answer, begun.state))


def _by_browser(authorization: Authorization, credential: OAuthCredential, port: int) -> None:
    with CallbackServer(credential.redirect_address, port) as server:
        begun = complete(authorization.begin(server.redirect_address))
        server.expect(begun.state)
        _show_address(begun.address)
        typer.echo(f"Waiting for the answer at {server.redirect_address} …")
        answer = server.answer(ANSWER_SECONDS)
    complete(authorization.finish(answer, begun.state))


def _by_device(authorization: Authorization) -> None:
    device = complete(authorization.begin_device())
    typer.echo(clean(f"Open {device.address} on any device and enter the code {device.code}"))
    typer.echo("Waiting for that …")
    complete(authorization.finish_device(device))


def _show_address(address: str) -> None:
    typer.echo("Open this address and sign in as a user that may read the mailbox:")
    typer.echo("")
    typer.echo(address)
    typer.echo("")
