"""Secrets are sealed, rotate with their keys, and references stay within their bounds."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from pydantic import SecretStr

from postrail.errors import ConfigurationError
from postrail.secrets import Secrets, check_reference, generate_key
from postrail.settings import SecretSettings

OLD, NEW = generate_key(), generate_key()


def with_keys(*keys: str, folder: Path | None = None) -> Secrets:
    return Secrets(SecretSettings(keys=SecretStr(",".join(keys)), folder=folder))


@pytest.mark.parametrize("plain", ["secret", "pässwörd ✓", "a:b:c", "x" * 10_000])
def test_what_is_sealed_can_be_revealed(plain: str) -> None:
    secrets = with_keys(OLD)
    sealed = secrets.seal(plain)
    assert sealed.startswith("sealed:")
    assert plain not in sealed
    assert secrets.reveal(sealed) == plain


def test_the_same_secret_is_never_sealed_the_same_way_twice() -> None:
    secrets = with_keys(OLD)
    assert secrets.seal("secret") != secrets.seal("secret")


def test_an_empty_secret_stays_empty() -> None:
    assert with_keys().reveal("") == ""


def test_a_new_key_in_front_seals_and_the_old_one_still_opens() -> None:
    sealed = with_keys(OLD).seal("secret")
    rotated = with_keys(NEW, OLD)
    assert rotated.reveal(sealed) == "secret"
    assert rotated.sealed_with_old_key(sealed)
    assert not rotated.sealed_with_old_key(rotated.seal("secret"))
    assert with_keys(NEW).reveal(rotated.seal("secret")) == "secret"


def test_a_secret_of_a_key_that_is_gone_names_the_setting() -> None:
    sealed = with_keys(OLD).seal("secret")
    with pytest.raises(ConfigurationError, match="POSTRAIL_SECRETS__KEYS"):
        with_keys(NEW).reveal(sealed)


def test_a_changed_byte_is_noticed() -> None:
    secrets = with_keys(OLD)
    prefix, key_id, body = secrets.seal("secret").split(":")
    changed = bytearray(base64.urlsafe_b64decode(body))
    changed[-1] ^= 1
    sealed = ":".join([prefix, key_id, base64.urlsafe_b64encode(changed).decode()])
    with pytest.raises(ConfigurationError, match="damaged"):
        secrets.reveal(sealed)


@pytest.mark.parametrize("body", ["", "!", "AAAA"])
def test_a_cut_off_secret_is_damaged(body: str) -> None:
    key_id = with_keys(OLD).seal("x").split(":")[1]
    with pytest.raises(ConfigurationError, match="damaged"):
        with_keys(OLD).reveal(f"sealed:{key_id}:{body}")


def test_plain_text_is_not_taken_for_a_stored_secret() -> None:
    with pytest.raises(ConfigurationError, match="neither") as caught:
        with_keys(OLD).reveal("hunter2")
    assert "hunter2" not in str(caught.value)


def test_without_a_key_sealing_says_how_to_make_one() -> None:
    with pytest.raises(ConfigurationError, match="postrail secrets new-key"):
        with_keys().seal("secret")


@pytest.mark.parametrize(
    "key",
    [
        "short",
        # 31 bytes.
        base64.b64encode(bytes(31)).decode(),
        # Not base64.
        "ß" * 44,
    ],
)
def test_a_wrong_key_is_refused_and_never_shown(key: str) -> None:
    with pytest.raises(ConfigurationError, match="POSTRAIL_SECRETS__KEYS") as caught:
        with_keys(key)
    assert key not in str(caught.value)


def test_keys_come_from_a_file_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{NEW}\n{OLD}\n")
    secrets = Secrets(SecretSettings(keys_file=file))
    assert secrets.reveal(with_keys(OLD).seal("secret")) == "secret"
    assert not secrets.sealed_with_old_key(with_keys(NEW).seal("secret"))


def test_a_missing_file_of_keys_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="POSTRAIL_SECRETS__KEYS_FILE"):
        Secrets(SecretSettings(keys_file=tmp_path / "none"))


def test_environment_references_read_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTRAIL_SECRET_HELP", "from outside")
    assert with_keys().reveal("env:POSTRAIL_SECRET_HELP") == "from outside"


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(ConfigurationError, match="POSTRAIL_SECRET_NOT_THERE"):
        with_keys().reveal("env:POSTRAIL_SECRET_NOT_THERE")


@pytest.mark.parametrize(
    "reference",
    [
        # The keys themselves, and other variables of the environment.
        "env:POSTRAIL_SECRETS__KEYS",
        "env:HOME",
        "env:",
        "env:POSTRAIL_SECRET_",
        # Outside of the folder.
        "file:../outside",
        "file:/etc/hostname",
        "file:folder/name",
        "file:..",
        "file:.hidden",
        "file:",
        "file:name\n",
    ],
)
def test_references_out_of_bounds_are_refused(reference: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        check_reference(reference)
    with pytest.raises(ConfigurationError):
        with_keys(OLD, folder=tmp_path).reveal(reference)


def test_file_references_read_the_folder_without_the_last_line_end(tmp_path: Path) -> None:
    (tmp_path / "help").write_text("from a file \n")
    assert with_keys(folder=tmp_path).reveal("file:help") == "from a file "


def test_a_link_may_point_within_the_folder_but_not_out_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    # The way Kubernetes mounts secrets.
    (folder / "..data").mkdir(parents=True)
    (folder / "..data" / "help").write_text("inside")
    (folder / "help").symlink_to(folder / "..data" / "help")
    (tmp_path / "outside").write_text("outside")
    (folder / "stray").symlink_to(tmp_path / "outside")
    assert with_keys(folder=folder).reveal("file:help") == "inside"
    with pytest.raises(ConfigurationError, match="outside of"):
        with_keys(folder=folder).reveal("file:stray")


def test_a_file_without_a_folder_names_the_setting() -> None:
    with pytest.raises(ConfigurationError, match="POSTRAIL_SECRETS__FOLDER"):
        with_keys(OLD).reveal("file:help")


def test_the_key_of_message_ids_outlives_a_new_key_in_front() -> None:
    assert with_keys(OLD).message_id_key() == with_keys(NEW, OLD).message_id_key()
    assert with_keys(OLD).message_id_key() != with_keys(NEW).message_id_key()
