"""Seals secrets with AES-256-GCM and follows references; only this module reveals plain text.

A stored secret is one of: `sealed:KEYID:TEXT` (encrypted by us), `env:POSTRAIL_SECRET_NAME` (read
from the environment of the process that needs it), `file:NAME` (a file of the secrets folder).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets as random
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from postrail.errors import ConfigurationError
from postrail.settings import SecretSettings

KEYS_SETTING = "POSTRAIL_SECRETS__KEYS"
KEYS_FILE_SETTING = "POSTRAIL_SECRETS__KEYS_FILE"
FOLDER_SETTING = "POSTRAIL_SECRETS__FOLDER"

SEALED = "sealed:"
ENVIRONMENT = "env:"
FILE = "file:"

KEY_BYTES = 32
# NIST SP 800-38D, 8.2 recommends 96 bits.
NONCE_BYTES = 12
# References must not reach other variables of the process, such as the keys.
ENVIRONMENT_NAME = re.compile(r"POSTRAIL_SECRET_[A-Z0-9_]+")
# Without separators and a leading dot, a name cannot leave the folder.
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


def generate_key() -> str:
    """Returns a new random key for POSTRAIL_SECRETS__KEYS."""
    return base64.b64encode(random.token_bytes(KEY_BYTES)).decode()


def is_reference(text: str) -> bool:
    """Returns whether the text refers to a secret that is stored elsewhere."""
    return text.startswith((ENVIRONMENT, FILE))


def check_reference(reference: str) -> None:
    """Raises ConfigurationError when the reference is not allowed."""
    if reference.startswith(ENVIRONMENT):
        _environment_name(reference)
    else:
        _file_name(reference)


class Secrets:
    """Seals and reveals secrets with the keys of this installation.

    To rotate keys, put a new one in front and run `postrail secrets reseal`; then the old ones can
    be removed. Raises ConfigurationError for invalid keys.
    """

    def __init__(self, settings: SecretSettings) -> None:
        self._folder = settings.folder
        self._withheld = settings.withheld
        keys = [] if settings.withheld else _keys(settings)
        self._keys = {_key_id(key): key for key in keys}

    def seal(self, plain: str) -> str:
        """Encrypts with the first key."""
        key_id = next(iter(self._required_keys()))
        nonce = random.token_bytes(NONCE_BYTES)
        body = AESGCM(self._keys[key_id]).encrypt(nonce, plain.encode(), key_id.encode())
        return f"{SEALED}{key_id}:{base64.urlsafe_b64encode(nonce + body).decode()}"

    def reveal(self, stored: str) -> str:
        """Returns the plain text of a stored secret; an empty one stays empty.

        Raises ConfigurationError when no key opens it, or when its variable or file is missing.
        """
        # Even for an empty secret: the caller is about to log in, or to send without a login.
        self._require_not_withheld()
        if not stored:
            return ""
        if stored.startswith(SEALED):
            return self._open(stored)
        if stored.startswith(ENVIRONMENT):
            return _from_environment(stored)
        if stored.startswith(FILE):
            return self._from_file(stored)
        raise ConfigurationError(
            "a stored secret is neither sealed nor a reference",
            remedy="Give it again in the file for postrail apply",
        )

    def sealed_with_old_key(self, stored: str) -> bool:
        """Returns whether the secret is sealed with a key other than the first."""
        if not stored.startswith(SEALED):
            return False
        return _split(stored)[0] != next(iter(self._required_keys()))

    def message_id_key(self) -> bytes:
        """Returns the key that makes the Message-IDs of our messages unguessable.

        It is derived from the oldest key (the last in the list), so that a new key in front does
        not change it. Removing the oldest key changes the ids of later messages only: the id of a
        message is stored with it when it is queued.
        """
        oldest = list(self._required_keys().values())[-1]
        return hmac.digest(oldest, b"postrail message-id", "sha256")

    def _open(self, stored: str) -> str:
        key_id, body = _split(stored)
        key = self._required_keys().get(key_id)
        if key is None:
            raise ConfigurationError(
                f"a secret is sealed with key {key_id}, which is not among the keys",
                setting=KEYS_SETTING,
                remedy="Add that key again, or give the secret again with postrail apply",
            )
        try:
            return (
                AESGCM(key)
                .decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], key_id.encode())
                .decode()
            )
        except (InvalidTag, ValueError) as error:
            raise _damaged() from error

    def _from_file(self, reference: str) -> str:
        name = _file_name(reference)
        if self._folder is None:
            raise ConfigurationError(
                f"{reference} is used, but the folder of secrets is not set",
                setting=FOLDER_SETTING,
                remedy="Set it to the folder that holds the files",
            )
        folder = self._folder.resolve()
        # Kubernetes mounts secrets as links into a hidden folder inside of this one.
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise ConfigurationError(
                f"{reference} points outside of {self._folder}",
                setting=FOLDER_SETTING,
                remedy="Put the file itself into that folder",
            )
        return _read(path, reference, FOLDER_SETTING).rstrip("\r\n")

    def _require_not_withheld(self) -> None:
        if self._withheld:
            raise ConfigurationError(
                "an observer may not read passwords, so that it cannot log in anywhere",
                setting="POSTRAIL_OBSERVER",
                remedy="Run this without POSTRAIL_OBSERVER, as the instance that owns the database",
            )

    def _required_keys(self) -> dict[str, bytes]:
        self._require_not_withheld()
        if not self._keys:
            raise ConfigurationError(
                "the key to seal secrets with is not set",
                setting=KEYS_SETTING,
                remedy="Create one with postrail secrets new-key, and keep it safe",
            )
        return self._keys


def _keys(settings: SecretSettings) -> list[bytes]:
    """Returns the keys of the setting, then those of the file."""
    keys = [_key(text, KEYS_SETTING) for text in _parted(settings.keys.get_secret_value())]
    if settings.keys_file is not None:
        text = _read(settings.keys_file, "the file of keys", KEYS_FILE_SETTING)
        keys += [_key(part, KEYS_FILE_SETTING) for part in _parted(text)]
    return keys


def _parted(text: str) -> list[str]:
    return [part for part in re.split(r"[,\s]+", text) if part]


def _key(text: str, setting: str) -> bytes:
    # The message omits the text: a key with one wrong character is still most of a key.
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            f"a key is not {KEY_BYTES} bytes in base64",
            setting=setting,
            remedy="Create one with postrail secrets new-key",
        )
    return key


def _key_id(key: bytes) -> str:
    return hmac.digest(key, b"postrail key id", hashlib.sha256).hex()[:8]


def _split(stored: str) -> tuple[str, bytes]:
    key_id, _, body = stored.removeprefix(SEALED).partition(":")
    try:
        return key_id, base64.urlsafe_b64decode(body)
    except (binascii.Error, ValueError) as error:
        raise _damaged() from error


def _damaged() -> ConfigurationError:
    return ConfigurationError(
        "a sealed secret is damaged", remedy="Give it again in the file for postrail apply"
    )


def _from_environment(reference: str) -> str:
    name = _environment_name(reference)
    value = os.environ.get(name)
    if value is None:
        raise ConfigurationError(
            f"{reference} is used, but the variable is not set",
            setting=name,
            remedy="Set it for the processes that use this secret",
        )
    return value


def _environment_name(reference: str) -> str:
    name = reference.removeprefix(ENVIRONMENT)
    if not ENVIRONMENT_NAME.fullmatch(name):
        raise ConfigurationError(
            f"{reference} is not allowed",
            remedy="Name a variable that begins with POSTRAIL_SECRET_ (A-Z, 0-9, _)",
        )
    return name


def _file_name(reference: str) -> str:
    name = reference.removeprefix(FILE)
    if not FILE_NAME.fullmatch(name):
        raise ConfigurationError(
            f"{reference} is not allowed",
            setting=FOLDER_SETTING,
            remedy="Name a file of that folder, without a path",
        )
    return name


def _read(path: Path, what: str, setting: str) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(
            f"{what} cannot be read: {path}: {reason}",
            setting=setting,
            remedy="Check that the file exists and that this user may read it",
        ) from error
