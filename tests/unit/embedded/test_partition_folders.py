"""Folders of partitions before a start of the broker: restored, removed, or named."""

from __future__ import annotations

from pathlib import Path

import pytest

from postrail.embedded.partition_folders import METADATA, prepare_partitions, require_no_strays
from postrail.errors import ConfigurationError

FIRST = "version: 0\ntopic_id: sTwVNvXgQXGtXN9nTEDZqg"
OTHER = "version: 0\ntopic_id: AAAANvXgQXGtXN9nTEDZqg"
STRAY = "mail-1.fa15631a48084500ae4324e918a25271-stray"
START = "00000000000000000000.log"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "__cluster_metadata-0").mkdir()
    (tmp_path / "__cluster_metadata-0" / START).write_bytes(b"records")
    (tmp_path / "meta.properties").write_text("version=1")
    return tmp_path


def make(
    log: Path, name: str, *, topic_id: str | None = FIRST, data: bytes = b"", at: str = START
) -> Path:
    folder = log / name
    folder.mkdir()
    (folder / at).write_bytes(data)
    if topic_id is not None:
        (folder / METADATA).write_text(topic_id)
    return folder


def data_of(log: Path, name: str) -> bytes:
    return (log / name / START).read_bytes()


def test_whole_partitions_stay_as_they_are(log: Path) -> None:
    make(log, "mail-0", data=b"records")
    make(log, "mail-1")
    before = sorted(log.rglob("*"))
    assert prepare_partitions(log) == []
    assert sorted(log.rglob("*")) == before


def test_a_new_folder_is_ready(tmp_path: Path) -> None:
    assert prepare_partitions(tmp_path) == []


@pytest.mark.parametrize("content", [None, "", "version: 0\n"])
def test_a_topic_id_that_is_missing_or_not_whole_comes_from_another_partition(
    log: Path, content: str | None
) -> None:
    make(log, "mail-0")
    folder = make(log, "mail-1", topic_id=content, data=b"records")
    make(log, "mail.parsed-0", topic_id=OTHER)
    assert prepare_partitions(log) == [f"Kafka: restored the topic id of {folder}"]
    assert (folder / METADATA).read_text() == FIRST


def test_without_records_a_folder_is_made_again_by_the_broker(log: Path) -> None:
    folder = make(log, "mail-1", topic_id=None)
    assert prepare_partitions(log) == []
    assert not folder.exists()


def test_a_partition_whose_records_have_expired_does_not_begin_anew(log: Path) -> None:
    make(log, "mail-0")
    folder = make(log, "mail-1", topic_id=None, at="00000000000000004711.log")
    assert prepare_partitions(log) == [f"Kafka: restored the topic id of {folder}"]


@pytest.mark.parametrize("own", [None, FIRST])
@pytest.mark.parametrize("place", [None, FIRST])
def test_what_was_set_aside_is_put_back(log: Path, own: str | None, place: str | None) -> None:
    make(log, "mail-0")
    make(log, STRAY, topic_id=own, data=b"records")
    if place:
        make(log, "mail-1", topic_id=place)
    (line,) = prepare_partitions(log)
    assert f"restored {log}/mail-1" in line
    assert data_of(log, "mail-1") == b"records"
    assert (log / "mail-1" / METADATA).read_text() == FIRST
    assert not (log / STRAY).exists()
    assert prepare_partitions(log) == []


def test_a_process_that_is_killed_while_it_puts_back_is_followed_by_one_that_goes_on(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The only partition of its topic: after the removal of its empty folder no other has the id.
    make(log, STRAY, topic_id=None, data=b"records")
    make(log, "mail-1")
    with monkeypatch.context() as killed:
        killed.setattr(Path, "rename", _die)
        with pytest.raises(KeyboardInterrupt):
            prepare_partitions(log)
    prepare_partitions(log)
    assert data_of(log, "mail-1") == b"records"
    assert (log / "mail-1" / METADATA).read_text() == FIRST


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_stray_folder_without_records_is_removed(log: Path) -> None:
    make(log, STRAY, topic_id=None)
    assert prepare_partitions(log) == []
    assert not (log / STRAY).exists()


@pytest.mark.parametrize(
    ("own", "place"),
    [
        # The partition has new records already.
        (None, {"data": b"new"}),
        # Its topic was made anew.
        (OTHER, {}),
        # Nothing tells the id of its topic.
        (None, None),
    ],
)
def test_what_cannot_be_put_back_is_named(
    log: Path, own: str | None, place: dict[str, bytes] | None
) -> None:
    make(log, STRAY, topic_id=own, data=b"records")
    if place is not None:
        make(log, "mail-1", data=place.get("data", b""))
    with pytest.raises(ConfigurationError, match=f"partition mail-1 aside.*{log}/{STRAY}") as found:
        prepare_partitions(log)
    assert "move this folder out of it" in found.value.remedy
    assert data_of(log, STRAY) == b"records"
    with pytest.raises(ConfigurationError):
        require_no_strays(log)


@pytest.mark.parametrize("lost", ["meta.properties", "__cluster_metadata-0"])
def test_records_without_their_clusters_data_are_named(log: Path, lost: str) -> None:
    folder = make(log, "mail-0", data=b"records")
    (log / lost).rename(log / "elsewhere")
    with pytest.raises(ConfigurationError, match=f"{lost} is missing, but {folder} holds records"):
        prepare_partitions(log)
