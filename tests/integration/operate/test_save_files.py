"""Saving files in a real folder: never outside of it, and over nothing that is there."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from postrail.blobs import BlobStore
from postrail.errors import ConfigurationError, InstallationFault
from postrail.operate.files.save import NoSuchFile, chosen_files, save_files
from postrail.views.issue_detail import AttachmentRow


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore((tmp_path / "store").as_uri())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "outer" / "chosen"
    made.mkdir(parents=True)
    return made


async def stored(blobs: BlobStore, name: str, content: bytes, number: int = 1) -> AttachmentRow:
    blob = await blobs.put(content)
    return row(name, blob.sha256, number)


def row(name: str, sha256: str, number: int = 1) -> AttachmentRow:
    return AttachmentRow(
        attachment_id=number,
        name=name,
        original_name=None,
        content_type="text/plain",
        size=1,
        sha256=sha256,
        content_id=None,
        comment_id=None,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", r"..\evil", "..", ".", "", "a/../../evil", "evil\0/../x", "con", "~"],
)
async def test_a_hostile_name_stays_in_the_folder(
    blobs: BlobStore, folder: Path, name: str
) -> None:
    (saved,) = await save_files([await stored(blobs, name, b"x")], folder, blobs)
    assert saved.path is not None
    assert Path(saved.path).parent == folder
    assert list(contents(folder).values()) == [b"x"]
    assert list(folder.parent.iterdir()) == [folder]


async def test_existing_files_links_and_equal_names_are_never_replaced(
    blobs: BlobStore, folder: Path
) -> None:
    outside = folder.parent / "outside"
    outside.write_bytes(b"before")
    (folder / "a.txt").write_bytes(b"mine")
    (folder / "a (2).txt").symlink_to(outside)
    # A link that leads nowhere would create a file there.
    (folder / "a (3).txt").symlink_to(folder.parent / "new")
    (folder / "a (4).txt").mkdir()
    files = [
        await stored(blobs, "a.txt", b"first"),
        await stored(blobs, "x/a.txt", b"second"),
    ]
    saved = await save_files(files, folder, blobs)
    assert [Path(one.path or "").name for one in saved] == ["a (5).txt", "a (6).txt"]
    assert (folder / "a (5).txt").read_bytes() == b"first"
    assert (folder / "a (6).txt").read_bytes() == b"second"
    assert (folder / "a.txt").read_bytes() == b"mine"
    assert outside.read_bytes() == b"before"
    assert not (folder.parent / "new").exists()


async def test_a_missing_folder_is_made(blobs: BlobStore, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    await save_files([await stored(blobs, "a", b"x")], folder, blobs)
    assert contents(folder) == {"a": b"x"}


async def test_a_file_in_the_place_of_the_folder_is_refused(
    blobs: BlobStore, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        await save_files([await stored(blobs, "a", b"x")], tmp_path / "file", blobs)


async def test_a_missing_or_changed_content_is_reported_and_keeps_no_other(
    blobs: BlobStore, folder: Path, tmp_path: Path
) -> None:
    changed = await stored(blobs, "changed", b"as it was", 1)
    (tmp_path / "store" / "blobs" / changed.sha256[:2] / changed.sha256).write_bytes(b"other")
    missing = row("missing", hashlib.sha256(b"never stored").hexdigest(), 2)
    good = await stored(blobs, "good", b"x", 3)
    saved = await save_files([changed, missing, good], folder, blobs)
    assert ["another content" in saved[0].problem, "no blob" in saved[1].problem] == [True, True]
    assert [one.path is None for one in saved] == [True, True, False]
    # Nothing of the others is left, not even under a temporary name.
    assert contents(folder) == {"good": b"x"}


async def test_a_folder_that_is_replaced_by_a_link_meanwhile_is_left_by_no_file(
    blobs: BlobStore, folder: Path
) -> None:
    class Swapping(BlobStore):
        async def read_into(self, sha256: str, file: object) -> None:
            await super().read_into(sha256, file)  # type: ignore[arg-type]
            if not folder.is_symlink():
                folder.rename(folder.parent / "moved")
                (folder.parent / "elsewhere").mkdir()
                folder.symlink_to(folder.parent / "elsewhere")

    one = await stored(blobs, "a", b"x")
    await save_files([one], folder, Swapping(blobs.url))
    assert contents(folder.parent / "moved") == {"a": b"x"}
    assert contents(folder.parent / "elsewhere") == {}


async def test_a_full_disk_ends_it_and_leaves_nothing(
    blobs: BlobStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    one = await stored(blobs, "a", b"x")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InstallationFault, match="No space left"):
        await save_files([one], folder, blobs)
    assert contents(folder) == {}


@pytest.mark.parametrize("call", ["link", "replace", "unlink", "fsync"])
async def test_a_killed_command_leaves_no_part_of_a_file_under_its_name(
    blobs: BlobStore, folder: Path, call: str
) -> None:
    one = await stored(blobs, "plan.pdf", b"x")
    module = [sys.executable, "-m", "tests.processes.killed_saver"]
    command = [*module, blobs.url, one.sha256, str(folder), call]
    ended = await asyncio.to_thread(subprocess.run, command, timeout=60, check=False)
    # It renames nothing, so that this kill does not happen.
    assert ended.returncode == (0 if call == "replace" else -signal.SIGKILL)
    assert contents(folder).get("plan.pdf", b"x") == b"x"


async def test_a_file_system_without_links_gets_files_too(
    blobs: BlobStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refused)
    (folder / "a").write_bytes(b"mine")
    await save_files([await stored(blobs, "a", b"x")], folder, blobs)
    assert contents(folder) == {"a": b"mine", "a (2)": b"x"}


def test_files_are_chosen_by_id_or_name() -> None:
    files = [row("a", "1", 1), row("a", "2", 2), row("3", "3", 4)]
    assert chosen_files(files, [], "HELP-1") == files
    assert chosen_files(files, ["a"], "HELP-1") == files[:2]
    assert chosen_files(files, ["2", "3"], "HELP-1") == files[1:]
    with pytest.raises(NoSuchFile, match=r"HELP-1 has no file 'b'.*attachments list HELP-1"):
        chosen_files(files, ["a", "b"], "HELP-1")
