"""Compares the user who signed in with the user that the server is told. Pure."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Mapping
from typing import Any

from postrail.configuration.configured import TokenOwner
from postrail.oauth import authorize_command

# OpenID Connect Core, 5.1; the last two are Microsoft's older names.
CLAIMS = ("preferred_username", "email", "upn", "unique_name")


def names_in(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the names in a provider's answer of the user who signed in; () if it has none.

    The answer came from the provider itself over TLS, so its signature need not be verified
    (OpenID Connect Core, 3.1.3.7).
    """
    claims = answer.get("id_token_claims") or claims_of(str(answer.get("id_token", "")))
    found = (claims.get(name) for name in CLAIMS)
    return tuple(dict.fromkeys(name for name in found if isinstance(name, str) and "@" in name))


def other_user(owner: TokenOwner, signed_in: tuple[str, ...]) -> str:
    """Returns a note for the person who signed in as another user than `username`, or blank."""
    wanted = owner.login_hint
    if not signed_in or wanted.casefold() in {name.casefold() for name in signed_in}:
        return ""
    return (
        f"you signed in as {signed_in[0]}, and {owner.title} logs in as {wanted}. That works only"
        f" for a shared mailbox that {signed_in[0]} may use; otherwise sign in again as {wanted}"
        f" ({authorize_command(owner)}), or correct username with postrail apply"
    )


def claims_of(id_token: str) -> dict[str, Any]:
    """Returns the claims of a JSON Web Token (RFC 7519), {} if it is none."""
    part = id_token.split(".")[1] if id_token.count(".") == 2 else ""
    with contextlib.suppress(ValueError):
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return found if isinstance(found, dict) else {}
    return {}
