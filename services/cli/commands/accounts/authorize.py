"""`postrail accounts authorize`: a person signs in for a mail account that takes tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from postrail.errors import ConfigurationError
from services.cli.installation import Data, complete, connected, connected_to_own, load

if TYPE_CHECKING:
    from postrail.configuration.models.credential import OAuthCredential
    from postrail.configuration.models.mail_account import MailAccount
    from postrail.oauth.authorize import Authorization
    from postrail.settings import Settings

# As long as an authorization that was begun is remembered.
ANSWER_SECONDS = 900.0


def authorize(
    name: Annotated[str, typer.Argument(help="The mail account.")],
    paste: Annotated[
        bool,
        typer.Option("--paste", help="Paste the answer here: for shells without a browser."),
    ] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Where to take the answer; 0: any.")
    ] = 0,
    data: Data = None,
) -> None:
    """Sign in for a mail account whose credential is OAuth2, or test one that needs nobody.

    The fetcher goes on by itself within seconds.

    Example: [bold]postrail accounts authorize help[/bold]
    """
    from postrail.clock import SystemClock
    from postrail.oauth.authorize import Authorization
    from postrail.secrets import Secrets

    settings = load(data)
    account, credential = complete(_found(settings, name))
    authorization = Authorization(
        account, lambda: connected(settings), Secrets(settings.secrets), SystemClock()
    )
    match credential.flow:
        case "authorization_code" if paste or not _is_local(credential):
            _by_paste(authorization)
        case "authorization_code":
            _by_browser(authorization, credential, port)
        case "device_code":
            _by_device(authorization)
        case _:
            complete(authorization.fetch())
    typer.echo(f"Mail account {name} is authorized; the fetcher goes on by itself.")


async def _found(settings: Settings, name: str) -> tuple[MailAccount, OAuthCredential]:
    from postrail.configuration.load import mail_accounts
    from postrail.oauth.tokens import credential_of

    async with connected_to_own(settings) as connection:
        accounts = {account.name: account for account in await mail_accounts(connection)}
        if name not in accounts:
            raise ConfigurationError(
                f"there is no mail account {name!r}",
                remedy=f"There are: {', '.join(accounts) or 'none yet; see postrail apply'}",
            )
        if not accounts[name].credential:
            raise ConfigurationError(
                f"mail account {name} logs in with a password, so nobody need sign in for it",
                setting=f"mail account {name}: credential",
                remedy="Name a credential there, if it shall log in with OAuth2",
            )
        return accounts[name], await credential_of(connection, accounts[name])


def _is_local(credential: OAuthCredential) -> bool:
    from postrail.configuration.models.credential_checks import is_loopback_address

    return is_loopback_address(credential.redirect_address)


# While a person is waited for no event loop runs, so that Ctrl-C ends the command at once.


def _by_paste(authorization: Authorization) -> None:
    begun = complete(authorization.begin())
    _show_address(begun.address)
    typer.echo("The browser ends at an address that may not open: that is the answer.")
    answer = typer.prompt("Paste that address, or the code in it")
    complete(authorization.finish(answer, begun.state))


def _by_browser(authorization: Authorization, credential: OAuthCredential, port: int) -> None:
    from services.cli.commands.accounts.callback_server import Loopback

    with Loopback(credential.redirect_address, port) as loopback:
        begun = complete(authorization.begin(loopback.redirect_address))
        loopback.expect(begun.state)
        _show_address(begun.address)
        typer.echo(f"Waiting for the answer at {loopback.redirect_address} …")
        answer = loopback.answer(ANSWER_SECONDS)
    complete(authorization.finish(answer, begun.state))


def _by_device(authorization: Authorization) -> None:
    device = complete(authorization.begin_device())
    typer.echo(f"Open {device.address} on any device and enter the code {device.code}")
    typer.echo("Waiting until that is done …")
    complete(authorization.finish_device(device))


def _show_address(address: str) -> None:
    typer.echo("Open this address and sign in as somebody who may read the mailbox:")
    typer.echo("")
    typer.echo(address)
    typer.echo("")
